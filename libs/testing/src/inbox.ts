import { isHubEvent, ownIdOf } from './hub-events.js';
import { Recording } from './recording.js';
import type { SseBlock, SseMessage } from './sse-parser.js';

/** What a client got: all that was dispatched to it, and what of it is the application's. */
export class Inbox {
  readonly #messages = new Recording<SseMessage>('message');
  readonly #events = new Recording<SseMessage>('event');

  /** All that was dispatched, the hub's `gap`, `end`, `error` and `control` included, but no positions. */
  get messages(): readonly SseMessage[] {
    return this.#messages.items;
  }

  /** What the application published; and what it sent to this connection alone, which has the id of the event before. */
  get events(): readonly SseMessage[] {
    return this.#events.items;
  }

  /** The own ids of these, to hold against the published ones. */
  get eventIds(): string[] {
    return this.events.map(ownIdOf);
  }

  take({ message }: SseBlock): void {
    if (!message) return;
    this.#messages.push(message);
    if (!isHubEvent(message)) this.#events.push(message);
  }

  /** Nothing more will come, so whoever still waits is told why. */
  close(reason: string): void {
    this.#messages.close(reason);
    this.#events.close(reason);
  }

  waitForMessage(wanted: number | ((message: SseMessage) => boolean), timeout?: number): Promise<unknown> {
    return this.#messages.waitFor(wanted, timeout);
  }

  waitForEvents(count: number, timeout?: number): Promise<SseMessage[]> {
    return this.#events.waitFor(count, timeout);
  }
}
