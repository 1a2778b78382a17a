// What an event carries: `#` sequence number, channel, time, filler up to the wanted size, `~`. Everything is at a known
// distance from `#`, a byte that no peer's framing has, so the client finds, checks and times events without parsing.

export const START = 0x23;
export const END = 0x7e;
export const SEQUENCE_AT = 1;
export const SEQUENCE_DIGITS = 8;
export const CHANNEL_AT = 10;
export const CHANNEL_DIGITS = 6;
export const TIME_AT = 17;
export const TIME_DIGITS = 16;
const HEAD = TIME_AT + TIME_DIGITS + 1;

const FILLER = 'The quick brown fox jumps over the lazy dog. ';

export function payload(sequence: number, channel: number, time: number, filler: string): string {
  return `#${digits(sequence, SEQUENCE_DIGITS)}.${digits(channel, CHANNEL_DIGITS)}.${digits(time, TIME_DIGITS)}.${filler}~`;
}

/** What makes a payload `size` bytes long. */
export function fillerFor(size: number): string {
  return FILLER.repeat(Math.ceil(size / FILLER.length)).slice(0, Math.max(0, size - HEAD - 1));
}

/** Microseconds on a clock that all processes of the machine share. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** The decimal number of so many digits at this place; NaN if it is none. */
export function readDigits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) {
    const digit = (bytes[index] as number) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}
