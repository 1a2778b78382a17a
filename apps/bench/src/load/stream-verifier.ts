import {
  CHANNEL_AT,
  CHANNEL_DIGITS,
  END,
  readDigits,
  SEQUENCE_AT,
  SEQUENCE_DIGITS,
  START,
  TIME_AT,
  TIME_DIGITS,
} from '../event/payload.js';

/** What all streams of a run share. */
export interface Tally {
  /** Bytes of a payload. */
  size: number;
  deliveries: number;
  /** Streams' channels that have had an event. */
  live: number;
  /** Gets the time at which each event was published, if it is set. */
  onTime: ((published: number) => void) | undefined;
}

/**
 * Reads one client's bytes and holds them against the promise: of each of its channels every event once and in order,
 * from the first one that it gets, and no event of another channel. Throws when it is broken.
 */
export class StreamVerifier {
  /** The last sequence number of each channel; 0 before the first. */
  private readonly last: Int32Array;
  private carry: Buffer | undefined;

  constructor(
    private readonly tally: Tally,
    private readonly from: number,
    count: number,
  ) {
    this.last = new Int32Array(count);
  }

  /** @param chunk is not kept */
  read(chunk: Buffer): void {
    const { size } = this.tally;
    const bytes = this.carry ? Buffer.concat([this.carry, chunk]) : chunk;
    this.carry = undefined;
    let at = bytes.indexOf(START);
    while (at !== -1) {
      if (at + size > bytes.length) {
        this.carry = Buffer.from(bytes.subarray(at));
        return;
      }
      this.check(bytes, at);
      at = bytes.indexOf(START, at + size);
    }
  }

  /** Throws unless the stream has come to the last event of each channel. `last` begins with channel 0. */
  assertComplete(last: readonly number[]): void {
    if (this.carry) throw new Error(`the stream ends within an event`);
    for (const [index, sequence] of this.last.entries()) {
      const channel = this.from + index;
      const published = last[channel] ?? 0;
      if (sequence !== published) {
        throw new Error(
          `channel ${channel}: ${published} events were published, the last received is ${sequence}`,
        );
      }
    }
  }

  private check(bytes: Buffer, at: number): void {
    const { tally } = this;
    if (bytes[at + tally.size - 1] !== END) throw new Error(`an event is not whole: ${excerpt(bytes, at)}`);
    const sequence = readDigits(bytes, at + SEQUENCE_AT, SEQUENCE_DIGITS);
    const channel = readDigits(bytes, at + CHANNEL_AT, CHANNEL_DIGITS);
    const last = this.last[channel - this.from];
    if (last === undefined) throw new Error(`an event of a channel that it is not on: ${excerpt(bytes, at)}`);
    if (last === 0) tally.live++;
    else if (sequence !== last + 1)
      throw new Error(`channel ${channel}: event ${sequence} came after ${last}`);
    this.last[channel - this.from] = sequence;
    tally.deliveries++;
    tally.onTime?.(readDigits(bytes, at + TIME_AT, TIME_DIGITS));
  }
}

function excerpt(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + 60);
}
