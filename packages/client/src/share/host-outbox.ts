import { leastOf } from './event-ids.js';
import type { HostMessage, SharedEvent } from './protocol.js';

type Numbered = 'host' | 'generation' | 'seq';
type Unnumbered<M> = M extends HostMessage ? Omit<M, Numbered> : never;

/** Where the stream stands. */
export interface StreamPosition {
  /** Its last event id. */
  readonly position: string | null;
  /** The same for channels that were added. */
  readonly upTo: string | null;
  /** The channels that were added and have everything up to there. */
  readonly covered: readonly string[];
}

interface Sender {
  readonly id: string;
  readonly generation: number;
  readonly send: (message: HostMessage) => void;
}

/** Numbers the messages of a host, and sends the events of one chunk of the stream as one message. */
export class HostOutbox {
  private seq = 0;
  private events: SharedEvent[] = [];
  /** The newest position that the stream, or any tab, has had. */
  newest: string | undefined;

  private covered = '';

  constructor(
    private readonly sender: Sender,
    private readonly locate: () => StreamPosition,
  ) {}

  send(message: Unnumbered<HostMessage>): void {
    this.flush();
    this.post(message);
  }

  push(event: SharedEvent): void {
    this.events.push(event);
    if (this.events.length === 1) queueMicrotask(() => this.flush());
  }

  /** To a tab that asks whether the host lives: where the stream stands. */
  answer(): void {
    const { events } = this;
    const { position, upTo, covered } = this.locate();
    if (position !== null) this.reached(position);
    const list = JSON.stringify(covered);
    this.post({ kind: 'events', events, position, upTo, ...(list !== this.covered && { covered }) });
    // Not before: where the browser ends the script between the two, tabs drop the repetition.
    this.events = [];
    this.covered = list;
  }

  flush(): void {
    if (this.events.length > 0) this.answer();
  }

  /** All tabs learn anew which channels have everything. */
  forgetCovered(): void {
    this.covered = '';
  }

  /** @param id of the stream, in a tab */
  reached(id: string): void {
    if (this.newest === undefined || leastOf(this.newest, id) === this.newest) this.newest = id;
  }

  private post(message: Unnumbered<HostMessage>): void {
    const { id, generation } = this.sender;
    this.sender.send({ ...message, host: id, generation, seq: this.seq++ });
  }
}
