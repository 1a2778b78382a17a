import { StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { MOST_HELD, REFUSAL_MS } from '../clients/held-refusals.js';

let held = 0;

/** An answer that is sent at once and ends a second later, so that a client that ignores `retry:` makes one request a second. */
export function holdOpen(body: string): StreamableFile | string {
  if (held >= MOST_HELD) return body;
  return new StreamableFile(Readable.from(frames(body), { objectMode: false }));
}

async function* frames(body: string): AsyncGenerator<Buffer> {
  held++;
  try {
    yield Buffer.from(body);
    await delay(REFUSAL_MS, undefined, { ref: false });
  } finally {
    held--;
  }
}
