import { Random } from '@nestjs-sse-redis/testing';
import { differences, type Dispatched } from './comparison.js';
import { chunkParsers } from './readers.js';

/** Where the network may cut a stream. */
function cuts(body: Buffer, seed: number): Record<string, Buffer[]> {
  const random = new Random(seed);
  return {
    'in one piece': [body],
    'byte by byte': body.length > 200_000 ? [] : chunked(body, () => 1),
    'in small pieces': chunked(body, () => 1 + random.int(7)),
    'in pieces of any size': chunked(body, () => 1 + random.int(random.pick([3, 50, 2_000]))),
  };
}

function chunked(body: Buffer, nextLength: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const length = nextLength();
    chunks.push(body.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

/**
 * Reads the bytes of one connection with parsers that take chunks, cut in several ways, and finds where any of them
 * reads something else than these events, or anything besides them.
 */
export function problemsOfBody(body: Buffer, expected: readonly Dispatched[], seed: number): string[] {
  const found: string[] = [];
  if (body.includes('\r')) found.push('there is a CR on the wire');
  for (const [how, chunks] of Object.entries(cuts(body, seed))) {
    if (chunks.length === 0) continue;
    for (const parser of chunkParsers) {
      const { dispatched, retries, oddities, lastEventId } = parser.parse(chunks);
      const problems = [...differences(expected, dispatched), ...oddities.slice(0, 3)];
      // One at the beginning of each connection, from half to one and a half of the option, which is 1.
      if (retries.length !== 1 || retries[0]! > 2) problems.push(`retry times: ${retries.join(', ')}`);
      if (!/^\d+-\d+$/.test(lastEventId)) problems.push(`last event id ${JSON.stringify(lastEventId)}`);
      found.push(...problems.map((text) => `${parser.name}, ${how}: ${text}`));
    }
  }
  return found;
}
