import { setTimeout as pause } from 'node:timers/promises';
import { parseEventId } from '../../src/event/position.js';
import type { ChannelEventInput } from 'nestjs-sse-redis';
import type { AppNode } from './app-node.js';
import type { PublishReply } from './node-request.js';

/** An event that is to be published. */
export interface Draft {
  readonly channel: string;
  /** Of its data. */
  readonly bytes?: number;
}

/** An event that is in the log, as the publisher was told. */
export interface PublishedEvent {
  readonly key: string;
  readonly channel: string;
  readonly id: string;
  readonly position: number;
  /** An attempt before the last one may have published it: nobody said. */
  readonly doubtful: boolean;
}

/** The data of the events. */
export interface Payload {
  readonly key: string;
  readonly channel: string;
}

const UNKNOWN = 'PUBLISH_OUTCOME_UNKNOWN';
const NOT_STORED = new Set([
  'REDIS_UNAVAILABLE',
  'REDIS_REFUSED',
  'REDIS_READONLY',
  'REDIS_LOADING',
  'REDIS_MOVED',
  'REDIS_MIGRATING',
  'REDIS_CLUSTER_DOWN',
  'REDIS_MASTER_DOWN',
  'REDIS_OUT_OF_MEMORY',
  'REDIS_BUSY',
  'HUB_CLOSED',
]);
const DEADLINE_MS = 30_000;
const RETRY_MS = 30;

let drafted = 0;

/** An event on its way. */
class Publishing {
  readonly channel: string;
  readonly key: string;
  doubtful = false;
  private readonly data: object;
  private attempts = 0;

  constructor({ channel, bytes = 0 }: Draft) {
    this.channel = channel;
    this.key = `${channel}/${++drafted}`;
    this.data = {
      key: this.key,
      channel,
      ...(bytes > 0 && { padding: 'x'.repeat(bytes) }),
    } satisfies Payload;
  }

  /**
   * As it is published next. The idempotency key stays the same only after an outcome that was unknown: where the
   * error says that nothing was stored, it is taken at its word, and an event that was stored all the same is doubled.
   */
  next(idempotent: boolean): ChannelEventInput {
    if (!this.doubtful) this.attempts++;
    const { channel, key, data, attempts } = this;
    return { channel, type: 'tick', data, ...(idempotent && { idempotencyKey: `${key}#${attempts}` }) };
  }

  doubt(): void {
    this.doubtful = true;
  }
}

/** Publishes from any of the nodes, and again, maybe from another, until it has an id for every event. */
export class Publisher {
  readonly events: PublishedEvent[] = [];
  /** When it was told so, by the key of the event, in ms of `performance.now()`. */
  readonly acknowledgedAt = new Map<string, number>();
  /** Attempts that failed, by the code of the error. */
  readonly failures = new Map<string, number>();
  /** The longest that it took until an attempt failed (ms). */
  slowestFailure = 0;

  /** @param idempotent whether events carry a key by which a second publish of the same one is recognised */
  constructor(
    private readonly pickNode: () => AppNode,
    private readonly idempotent = true,
  ) {}

  async publish(drafts: readonly Draft[]): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    let rest = drafts.map((draft) => new Publishing(draft));
    while (rest.length > 0) {
      const replies = await this.attempt(rest.map((event) => event.next(this.idempotent)));
      rest = rest.filter((event, i) => !this.take(event, replies[i]!));
      if (rest.length === 0) return;
      if (performance.now() > deadline) {
        throw new Error(`${rest.length} events could not be published within ${DEADLINE_MS} ms`);
      }
      await pause(RETRY_MS);
    }
  }

  /** Returns whether it is published. */
  private take(event: Publishing, reply: PublishReply): boolean {
    if ('id' in reply) {
      const { key, channel, doubtful } = event;
      this.events.push({ key, channel, id: reply.id, position: parseEventId(reply.id)!, doubtful });
      this.acknowledgedAt.set(key, performance.now());
      return true;
    }
    if (reply.code === UNKNOWN) event.doubt();
    else if (!NOT_STORED.has(reply.code))
      throw new Error(`Not an error that is documented: ${reply.code} ${reply.message}`);
    this.failures.set(reply.code, (this.failures.get(reply.code) ?? 0) + 1);
    return false;
  }

  private async attempt(events: readonly ChannelEventInput[]): Promise<readonly PublishReply[]> {
    try {
      const { published, ms } = await this.pickNode().request({ kind: 'publish', events });
      const failed = published!.some((reply) => 'code' in reply);
      if (failed) this.slowestFailure = Math.max(this.slowestFailure, ms!);
      return published!;
    } catch (error) {
      // The process has died, before or after.
      return events.map(() => ({ code: UNKNOWN, message: (error as Error).message }));
    }
  }
}
