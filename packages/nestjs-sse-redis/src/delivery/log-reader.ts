import type { Broker, LogSlice, ReadRequest } from '../broker/broker.interface.js';
import type { Position } from '../event/position.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { TurnBatch } from '../util/turn-batch.js';
import type { Lines } from './lines.js';

/** One slice: large enough to be worth a round trip, small enough for thousands of clients at once. */
const LIMITS = { records: 256, bytes: 262_144 };
const RETRY_AFTER_MS = 200;

/**
 * Reads logs for connections that catch up. Those that stand at the same position of a channel share one reading,
 * and all readings of a tick travel together: commands grow with channels, not with clients.
 */
export class LogReader {
  private readonly inFlight = new Map<string, Promise<LogSlice>>();
  private readonly batches: TurnBatch<ReadRequest[], LogSlice[]>;
  private pause: Promise<void> | undefined;

  constructor(
    private readonly broker: Pick<Broker, 'read' | 'renewLink' | 'pause'>,
    private readonly lines: Pick<Lines, 'isLinkElsewhere'>,
  ) {
    this.batches = new TurnBatch<ReadRequest[], LogSlice[]>(
      () => [],
      (requests) => this.readNow(requests),
    );
  }

  /** The channel after the cursor; a long log comes in several slices. */
  read(channel: string, after: Position): Promise<LogSlice> {
    const key = `${after} ${channel}`;
    const known = this.inFlight.get(key);
    if (known) return known;
    const { items: requests, result: slices } = this.batches.current;
    const index = requests.push({ channel, after }) - 1;
    const slice = slices.then((all) => all[index]!).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, slice);
    return slice;
  }

  private async readNow(requests: readonly ReadRequest[]): Promise<LogSlice[]> {
    const slices = await this.broker.read(requests, LIMITS);
    if (!this.lines.isLinkElsewhere) return slices;
    this.broker.renewLink();
    throw new RedisUnavailableError(
      'Redis was replaced, and the connections for commands and events lead to different servers. The one for events is made anew.',
    );
  }

  /** After a failed reading: when to try again. One timer for all. */
  retryTime(): Promise<void> {
    return (this.pause ??= this.broker.pause(RETRY_AFTER_MS).finally(() => (this.pause = undefined)));
  }
}
