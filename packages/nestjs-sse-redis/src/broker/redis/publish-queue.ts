import { NotReplicatedError } from '../../errors/not-replicated.error.js';
import { UnexpectedReplyError } from '../../errors/unexpected-reply.error.js';
import { recordFlags } from '../../event/event-record.js';
import type { Position } from '../../event/position.js';
import type { ResolvedOptions } from '../../options/resolved-options.js';
import { TurnBatch } from '../../util/turn-batch.js';
import { Logger } from '../../util/logger.js';
import type { Publication, Published, PublishOutcome } from '../broker.interface.js';
import { toCopyKind } from '../event-copy.js';
import { idOfPublished } from '../forks.js';
import { stateFull } from '../state-full.js';
import type { Commands } from './commands.js';
import type { Replicas, ScriptCall } from './script-call.js';
import type { Keys } from './keys.js';
import { formatHistory, hasOwnTime } from './log-history.js';
import { OrderedRuns, type Amend, type PublishLink } from './ordered-runs.js';
import { getReason } from './refusals.js';
import { formatFence, toRunRefusal } from './run-fence.js';
import { Script } from './script.js';
import { TombstonesKey } from './tombstones-key.js';
import publishLua from './scripts/publish.lua.js';

const PUBLISH = new Script(publishLua, true);

/** How many events one run of the script publishes, and about how many characters: Redis does nothing else meanwhile. */
const EVENTS_PER_RUN = 64;
const CHARACTERS_PER_RUN = 256 * 1024;

/** What the script says where a state channel has no room for another key. */
const STATE_FULL = 'STATE_FULL';

/** The runs of one tick. */
interface Sent {
  readonly runs: readonly Run[];
  /** Of each publication, the number of its run. */
  readonly runOf: readonly number[];
}

interface Run {
  /** The number of its first publication. */
  readonly start: number;
  readonly outcomes: Promise<readonly PublishOutcome[]>;
}

/** What publishing takes of the options. */
export interface PublishSettings extends Pick<ResolvedOptions, 'idempotencyWindow' | 'publishTimeout'> {
  /** About how many events a log keeps; empty: what the clock in Redis says. */
  readonly maxLength: number | '';
  /** How long events are kept, ms; empty: what the clock in Redis says, which is left as it is. */
  readonly ttl: number | '';
}

/** Publishes what comes in one tick together, in its order: in one round trip, and with few runs of the script. */
export class PublishQueue {
  private readonly batches = new TurnBatch(
    (): Publication[] => [],
    (publications) => this.sendAll(publications),
  );
  private readonly logger = new Logger('SseRedisBroker');
  private readonly runs: OrderedRuns;
  private readonly tombstones: TombstonesKey;

  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
    private readonly options: PublishSettings,
    link?: PublishLink,
  ) {
    this.tombstones = new TombstonesKey(keys.tombstones);
    const amend: Amend = (call, reply) => this.tombstones.amend(call, reply);
    this.runs = new OrderedRuns(commands, PUBLISH, options.publishTimeout, amend, link);
  }

  /** Never rejects: each publication has an outcome of its own. */
  async publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    if (publications.length === 0) return [];
    const { items, result } = this.batches.current;
    const start = items.length;
    const end = start + publications.length;
    for (const publication of publications) items.push(publication);
    const { runs, runOf } = await result;
    const first = runOf[start]!;
    const own = runs.slice(first, runOf[end - 1]! + 1);
    const outcomes = (await Promise.all(own.map((run) => run.outcomes))).flat();
    return outcomes.slice(start - runs[first]!.start, end - runs[first]!.start);
  }

  stop(): void {
    this.runs.stop();
  }

  /** Announces a text under a name that is no channel's. @throws RedisUnavailableError | RedisRefusedError */
  async announce(name: string, text: string): Promise<Position> {
    const announcement = {
      // It has no log, and a key that is not there would make it wait while a slot of a cluster moves.
      keys: [this.keys.clock, this.keys.clock],
      // Its own text is kept nowhere: the length is for publishers that are told none.
      args: [this.options.maxLength, this.options.ttl, 0, name, recordFlags('t', true), text, ''],
    };
    const call = this.tombstones.addTo(announcement, false);
    let reply = await this.commands.read(PUBLISH, call);
    const amended = this.tombstones.amend(call, reply);
    if (amended) reply = await this.commands.read(PUBLISH, amended);
    const outcome = this.toOutcome((reply as [unknown])[0], 0);
    if ('error' in outcome) throw outcome.error;
    this.commands.outage.accepted();
    return outcome.position;
  }

  private sendAll(waiting: readonly Publication[]): Sent {
    const runs: Run[] = [];
    const runOf: number[] = [];
    for (let start = 0; start < waiting.length;) {
      const end = endOfRun(waiting, start);
      while (runOf.length < end) runOf.push(runs.length);
      runs.push({ start, outcomes: this.send(waiting.slice(start, end)) });
      start = end;
    }
    return { runs, runOf };
  }

  private async send(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    const outcome = await this.runs.run(this.toCall(publications));
    if ('error' in outcome) return publications.map(() => outcome);
    const { reply: replies, line, replicas } = outcome;
    const count = publications.reduce((sum, { copy }) => sum + (copy ? 2 : 1), 0);
    if (!Array.isArray(replies) || replies.length !== count) {
      const error = new UnexpectedReplyError('Redis answered a publish with something else.');
      return publications.map(() => ({ error }));
    }
    let at = 0;
    return publications.map((publication) => {
      const published = this.toOutcome(replies[at++], line, publication);
      if (publication.copy) this.checkCopy(replies[at++], published, publication);
      const wanted = publication.replicas ?? 0;
      if (wanted === 0 || 'error' in published || (replicas && replicas.count >= wanted)) return published;
      return { error: this.notReplicated(publication, published, replicas) };
    });
  }

  /** An event that is announced cannot be taken back. */
  private checkCopy(reply: unknown, published: PublishOutcome, { channel }: Publication): void {
    if (typeof reply === 'number' || 'error' in published) return;
    const id = idOfPublished(this.commands.line, published);
    this.logger.error(
      `Event ${id} of ${JSON.stringify(channel)} is published, but @OnSseEvent() of its pattern does not get it: ${getReason(String(reply))}.`,
    );
  }

  private notReplicated(
    { replicas: wanted, idempotencyKey }: Publication,
    published: Published,
    replicas: Replicas | undefined,
  ): Error {
    const { count = 0, cause } = replicas ?? {};
    const advice = idempotencyKey
      ? 'Publish it again with the same idempotencyKey to ask them again.'
      : 'Do not publish it again, which would send it twice: only with an idempotencyKey they can be asked again.';
    const id = idOfPublished(this.commands.line, published);
    return new NotReplicatedError(
      `Event ${id} is stored at Redis at ${this.commands.address} and announced, but ${count} of ${wanted} replicas have it${cause ? ` (${cause.message})` : ''}: a failover may lose it. ${advice}`,
      id,
      count,
      cause && { cause },
    );
  }

  private toOutcome(reply: unknown, line: number, publication?: Publication): PublishOutcome {
    if (typeof reply === 'number') return { position: reply, line };
    const { channel, state } = publication ?? {};
    if (state && String(reply) === STATE_FULL) return { error: stateFull(channel!, state.maxKeys) };
    const refused = toRunRefusal(String(reply));
    if (refused) return { error: refused };
    return { error: this.commands.refuse(new Error(String(reply))) };
  }

  private toCall(publications: readonly Publication[]): ScriptCall {
    const { ttl, idempotencyWindow } = this.options;
    const keys = [this.keys.clock];
    const args: (string | number)[] = [this.options.maxLength, ttl, idempotencyWindow];
    let most = 0;
    let leavesTombstone = false;
    for (const publication of publications) {
      const { channel, event, ephemeral, idempotencyKey, replicas = 0, history, run, state } = publication;
      if (replicas > most) most = replicas;
      const hasOnce = idempotencyKey !== undefined;
      keys.push(state ? this.keys.stateLog(channel) : this.keys.log(channel));
      if (hasOnce) keys.push(this.keys.idempotency(channel, idempotencyKey));
      else if (run) keys.push(this.keys.run(channel));
      if (state) keys.push(this.keys.stateKeys(channel));
      const kept = formatHistory(history, event.kind === 'x');
      leavesTombstone ||= hasOwnTime(history);
      args.push(
        this.keys.pubSubChannel(channel),
        state ? `${event.kind}=${state.maxKeys} ${state.key}` : recordFlags(event.kind, ephemeral),
        event.text,
        hasOnce ? `-${kept}` : run ? `${kept} ${formatFence(run)}` : kept,
      );
      if (!publication.copy) continue;
      const { log, head, history: keptThere } = publication.copy;
      keys.push(this.keys.log(log));
      leavesTombstone ||= hasOwnTime(keptThere);
      args.push(
        this.keys.pubSubChannel(log),
        `c ${recordFlags(toCopyKind(event.kind), ephemeral)}`,
        head,
        formatHistory(keptThere, false),
      );
    }
    return this.tombstones.addTo({ keys, args, replicas: most }, leavesTombstone);
  }
}

/** The publications of one run of the script: it has at least one, however large. */
function endOfRun(publications: readonly Publication[], start: number): number {
  const most = Math.min(publications.length, start + EVENTS_PER_RUN);
  let characters = publications[start]!.event.text.length;
  let end = start + 1;
  while (end < most && (characters += publications[end]!.event.text.length) <= CHARACTERS_PER_RUN) end++;
  return end;
}
