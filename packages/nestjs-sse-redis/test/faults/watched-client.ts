import {
  isHubEvent,
  ownIdOf,
  ReconnectingClient,
  until,
  type SseBlock,
  type SseMessage,
  type SseStream,
} from '@nestjs-sse-redis/testing';
import { parseEventId } from '../../src/event/position.js';
import type { FaultClient } from './fault-client.js';
import type { Payload } from './publisher.js';
import type { LoggedEvent } from './verdict.js';

/** Where nothing listens: whoever comes here is refused, and tries again a little later. */
export const NOWHERE = 'http://127.0.0.1:9';

/** An EventSource on some channels, with everything that its streams brought. */
export class WatchedClient implements FaultClient {
  /** While it is true, it does not come back. */
  away = false;
  /** When each event of the application came first, by its own id, in ms of `performance.now()`. */
  readonly arrivals = new Map<string, number>();
  private readonly earlier: SseStream[] = [];
  private readonly client: ReconnectingClient;

  /** @param pickUrl of the node to connect to, asked each time */
  constructor(
    readonly name: string,
    readonly channels: readonly string[],
    pickUrl: () => string,
  ) {
    const query = channels.map(encodeURIComponent).join(',');
    this.client = ReconnectingClient.start(
      {
        pickUrl: () => {
          if (this.client) this.earlier.push(this.client.stream);
          return `${this.away ? NOWHERE : pickUrl()}/streams?channels=${query}`;
        },
      },
      { maxRetry: 50, persist: true, onBlock: ({ message }) => message && this.note(message) },
    );
  }

  private note(message: SseMessage): void {
    const id = ownIdOf(message);
    if (!isHubEvent(message) && !this.arrivals.has(id)) this.arrivals.set(id, performance.now());
  }

  get stream(): SseStream {
    return this.client.stream;
  }

  get connections(): number {
    return this.client.connections;
  }

  /** All that was dispatched, gaps and refusals too. */
  get messages(): readonly SseMessage[] {
    return this.client.ledger;
  }

  /** The own ids of what was published. */
  get eventIds(): string[] {
    return this.client.eventIds;
  }

  /** What was published, as it came. */
  get eventsReceived(): LoggedEvent[] {
    return this.client.events.map((message) => {
      const { key, channel } = JSON.parse(message.data) as Payload;
      const id = ownIdOf(message);
      return { id, key, channel, position: parseEventId(id)! };
    });
  }

  /** All that had an id, in the order in which it came. */
  get blocks(): SseBlock[] {
    return [...this.earlier, this.stream].flatMap(({ blocks }) =>
      blocks.filter(({ id }) => id !== undefined),
    );
  }

  /** From where on it is to get everything: the first position that it was told, of the first shard of its id. */
  get start(): number | undefined {
    for (const stream of [...this.earlier, this.stream]) {
      const id = stream.blocks.find((block) => block.id !== undefined)?.id;
      if (id !== undefined) return parseEventId(id.split(',')[0]!);
    }
    return undefined;
  }

  /** Resolves when it knows where it stands: what is published from then on is expected of it. */
  async placed(): Promise<this> {
    await until(() => this.start !== undefined, { message: `${this.name} is told its position` });
    return this;
  }

  drop(): void {
    void this.stream.close();
  }

  leave(): void {
    this.away = true;
    this.drop();
  }

  comeBack(): void {
    this.away = false;
  }

  pause(): () => void {
    const { stream } = this;
    stream.pause();
    return () => stream.resume();
  }

  async stop(): Promise<void> {
    await this.client.stop();
  }
}
