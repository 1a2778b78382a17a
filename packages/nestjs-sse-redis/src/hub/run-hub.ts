import { parseChannel } from '../event/channel-name.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { parseRunOptions } from '../runs/run-options.js';
import type { Run, RunInfo, RunOptions, RunSource } from '../runs/run.types.js';
import type { HubParts } from './hub-parts.js';

/** The runs of `SseHub`: finite streams on a channel, each with an owner and an outcome. */
export abstract class RunHub {
  /** @internal @throws HubClosedError unless the hub runs */
  abstract get internals(): HubParts;

  /**
   * Starts a run: a stream that is produced once, in this process, and that clients of any process read, join late and resume. A
   * channel has one run at a time. Of all that start one at once, in whatever process, one does; the others join it.
   *
   * Each event of the source is published to the channel. At its end comes an `end` event with the `outcome` and the id of the `run`;
   * before that, where the source threw, an `error` event, which says that it failed but not how. An outage of Redis holds the source
   * up, and no event is lost or stored twice. If the process dies, others tell the clients `interrupted` within lease and sweep.
   *
   * A channel keeps 20,000 events while a run is written to it, unless `history.maxLength` is more or its definition says otherwise.
   *
   * @param source makes the source, with a signal that is aborted when the run is stopped or the process shuts down
   * @returns when it has started, or was joined
   * @throws InvalidChannelError | InvalidArgumentError
   * @throws RunExistsError with `onExisting: 'refuse'`
   * @throws DrainingError if the application is closing
   * @throws RedisUnavailableError | RedisRefusedError
   * @example
   * ```ts
   * const run = await this.hub.run(`chat:${id}`, (signal) => this.model.stream(prompt, { signal }), { batch: 50 });
   * return this.hub.connect(client, run.channel, { from: run.id });
   * ```
   */
  async run(channel: ChannelLike, source: RunSource, options: RunOptions = {}): Promise<Run> {
    const { runs, definitions } = this.internals;
    const name = parseChannel(channel);
    definitions.checkStreamable(name);
    const parsed = parseRunOptions(options, runs.retainOf(name));
    if (typeof source !== 'function')
      throw new InvalidArgumentError(
        'run() takes a function (signal) => source, which it calls once the run has started.',
      );
    return runs.run(name, source, parsed);
  }

  /**
   * Stops the run of a channel, in whatever process it is: its signal is aborted, what its source gave before is published, and
   * clients get the `end` with the outcome `stopped`. A process that does not answer stores nothing of it any more.
   *
   * @returns whether a run was going on
   * @throws InvalidChannelError | RedisUnavailableError | RedisRefusedError
   */
  async stopRun(channel: ChannelLike): Promise<boolean> {
    return this.internals.runs.stop(parseChannel(channel));
  }

  /**
   * The newest run of a channel: while it is going on, and after that for `retainAfterEnd`.
   *
   * @throws InvalidChannelError | RedisUnavailableError | RedisRefusedError
   */
  async runOf(channel: ChannelLike): Promise<RunInfo | undefined> {
    return this.internals.runs.find(parseChannel(channel));
  }
}
