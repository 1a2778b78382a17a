import type { SseEventInput, SseHub } from 'nestjs-sse-redis';
import { formatEventId } from '../../src/event/position.js';

/** Makes the lines of an event as somebody might who did not think of all. */
export type Encode = (event: SseEventInput) => string;

/** An event that shows what is missing, and the code of the error that the hub refuses it with, if it does. */
export interface Trap {
  readonly event: SseEventInput;
  readonly refusal: string | undefined;
}

const trap = (event: SseEventInput): Trap => ({ event, refusal: undefined });

const getText = (data: unknown): string => (typeof data === 'string' ? data : JSON.stringify(data));
const typeLine = (type: string | undefined): string => (type ? `event: ${type}\n` : '');
const split = (data: unknown): string =>
  getText(data)
    .split(/\r\n|\n|\r/)
    .join('\ndata: ');

const inData = [
  'a\nb',
  'a\r\nb',
  'a\rb',
  'a\n\nb',
  '\n',
  'a\n\n',
  'a\ndata: x',
  'a\n\ndata: x\n',
  'a\nid: 1',
];
const inTypes = [
  'a\nb',
  'a\rb',
  'a\ndata: x',
  'a\r\nid: 1',
  'a\n\ndata: x\n\n',
  'a\u0000b',
  'gap',
  'end',
  'error',
];

/** Encoders without one of the protections, and the events that bring it out. */
export const naiveEncoders: readonly {
  readonly does: string;
  readonly encode: Encode;
  readonly traps: readonly Trap[];
}[] = [
  {
    does: 'puts data on one line',
    encode: ({ type, data }) => `${typeLine(type)}data: ${getText(data)}\n\n`,
    traps: [...inData, 'a\nevent: x', 'a\nretry: 86400000', 'a\n:x', 'a\nx'].map((data) =>
      trap({ type: 'a', data }),
    ),
  },
  {
    does: 'splits data at LF alone',
    encode: ({ type, data }) => `${typeLine(type)}data: ${getText(data).split('\n').join('\ndata: ')}\n\n`,
    traps: ['a\rb', 'a\r\rb', 'a\r\rdata: x\r\r', 'a\rid: 1\r', '\r', 'a\rretry: 86400000'].map((data) =>
      trap({ data }),
    ),
  },
  {
    does: 'splits data at what JavaScript takes for the end of a line',
    encode: ({ data }) =>
      `data: ${getText(data)
        .split(/\r\n|[\r\n\u2028\u2029]/)
        .join('\ndata: ')}\n\n`,
    traps: ['a\u2028b', 'a\u2029'].map((data) => trap({ data })),
  },
  {
    does: 'cuts characters down to bytes',
    encode: ({ data }) => Buffer.from(`data: ${split(data)}\n\n`, 'latin1').toString('latin1'),
    traps: ['a\u560ab', 'a\u010d\u010dx', 'é🙂\u0100'].map((data) => trap({ data })),
  },
  {
    does: 'leaves out the space after the colon',
    encode: ({ data }) => `data:${getText(data)}\n\n`,
    traps: [' a', '  '].map((data) => trap({ data })),
  },
  {
    does: 'sends no data line where there is no data',
    encode: ({ data }) => (data === '' ? '\n' : `data: ${split(data)}\n\n`),
    traps: [trap({ data: '' })],
  },
  {
    does: 'takes any type',
    encode: ({ type, data }) => `${typeLine(type)}data: ${split(data)}\n\n`,
    traps: inTypes.map((type) => ({ event: { type, data: 'd' }, refusal: 'INVALID_EVENT' })),
  },
];

/** Puts an event into the log and announces it as the hub does, past the hub's encoder. → its id */
export async function publishNaively(
  hub: SseHub,
  channel: string,
  event: SseEventInput,
  encode: Encode,
): Promise<string> {
  const { broker } = hub['node'].shards.home;
  const kind = typeof event.data === 'string' ? 't' : 'j';
  const [outcome] = await broker.publish([
    { channel, event: { kind, text: encode(event) }, ephemeral: false, idempotencyKey: undefined },
  ]);
  if ('error' in outcome!) throw outcome.error;
  return formatEventId(outcome!.position);
}
