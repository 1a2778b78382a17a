import { isHubEvent, ownIdOf, until, type SseBlock, type SseMessage } from '@nestjs-sse-redis/testing';
import { createClient, type SseClient } from 'nestjs-sse-redis-client';
import { parseEventId } from '../../src/event/position.js';
import type { FaultClient } from './fault-client.js';
import type { Payload } from './publisher.js';
import { TappedFetch } from './tapped-fetch.js';
import type { LoggedEvent } from './verdict.js';
import { NOWHERE } from './watched-client.js';

/** `nestjs-sse-redis-client` on some channels, with all that it handed over. */
export class ProductClient implements FaultClient {
  readonly messages: SseMessage[] = [];
  readonly arrivals = new Map<string, number>();
  private readonly tap: TappedFetch;
  private readonly client: SseClient;
  private away = false;

  constructor(
    readonly name: string,
    readonly channels: readonly string[],
    pickUrl: () => string,
    forgets = false,
  ) {
    this.tap = new TappedFetch(forgets);
    const query = channels.map(encodeURIComponent).join(',');
    this.client = createClient({
      url: () => `${this.away ? NOWHERE : pickUrl()}/streams?channels=${query}`,
      fetch: this.tap.fetch,
      backoff: { min: 5, max: 50 },
      log: () => undefined,
    });
    this.client.onEvent(({ type, text, id }) => {
      const message = { type, data: text, id };
      this.messages.push(message);
      if (!isHubEvent(message) && !this.arrivals.has(id))
        this.arrivals.set(ownIdOf(message), performance.now());
    });
  }

  get blocks(): readonly SseBlock[] {
    return this.tap.blocks;
  }

  get connections(): number {
    return this.tap.connections;
  }

  get start(): number | undefined {
    const id = this.tap.blocks[0]?.id;
    return id === undefined ? undefined : parseEventId(id.split(',')[0]!);
  }

  get eventsReceived(): LoggedEvent[] {
    return this.messages
      .filter((message) => !isHubEvent(message))
      .map((message) => {
        const { key, channel } = JSON.parse(message.data) as Payload;
        const id = ownIdOf(message);
        return { id, key, channel, position: parseEventId(id)! };
      });
  }

  placed(): Promise<unknown> {
    const look = () =>
      this.start !== undefined || Promise.reject(new Error(JSON.stringify(this.client.state)));
    return until(look, { message: `${this.name} is told its position` });
  }

  drop(): void {
    this.tap.drop();
  }

  leave(): void {
    this.away = true;
    this.drop();
  }

  comeBack(): void {
    this.away = false;
  }

  pause(): () => void {
    return this.tap.pause();
  }

  async stop(): Promise<void> {
    const { state } = this.client;
    this.client.close();
    // A client that gives up has a fault, which the suite would take for a loss.
    if (state.status === 'stopped') throw new Error(`${this.name} had stopped: ${JSON.stringify(state)}`);
  }
}
