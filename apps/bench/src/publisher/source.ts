import { setTimeout as pause } from 'node:timers/promises';
import { channelName } from '../event/channels.js';
import { fillerFor, now, payload } from '../event/payload.js';
import type { Message, Publisher } from './publisher.js';

export interface Pace {
  readonly ticks: number;
  /** Milliseconds from one to the next. */
  readonly interval: number;
  readonly perTick: number;
}

/** Numbers the events of a session's channels, and sends them to one channel after the other. */
export class Source {
  private filler = '';
  /** Of each channel that gets events. */
  private readonly last: number[] = [];
  private next = 0;

  constructor(
    private readonly publisher: Publisher,
    private readonly session: string,
  ) {}

  /** From now on so many channels get events. */
  useChannels(count: number): void {
    while (this.last.length < count) this.last.push(0);
  }

  setSize(bytes: number): void {
    this.filler = fillerFor(bytes);
  }

  get lastSequences(): readonly number[] {
    return this.last;
  }

  /** All at once. */
  async burst(count: number): Promise<void> {
    await this.publisher.send(Array.from({ length: count }, () => this.message()));
  }

  /** Some events at fixed points in time, whether the ones before have arrived or not. */
  async paced({ ticks, interval, perTick }: Pace): Promise<void> {
    const started = performance.now();
    const sent: Promise<void>[] = [];
    for (let tick = 0; tick < ticks; tick++) {
      const wait = started + tick * interval - performance.now();
      if (wait > 0) await pause(wait);
      sent.push(this.burst(perTick));
    }
    await Promise.all(sent);
  }

  private message(): Message {
    const { session } = this;
    const index = this.next;
    this.next = (index + 1) % this.last.length;
    const sequence = (this.last[index] = (this.last[index] as number) + 1);
    return { channel: channelName(session, index), text: payload(sequence, index, now(), this.filler) };
  }
}
