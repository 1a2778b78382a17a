import { until } from '@nestjs-sse-redis/testing';
import { createParser } from 'eventsource-parser';
import { RawServer } from '../fixtures/raw-server.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';

/** Late ids, ids of shards, several lines, several bytes a character, a block without an event: all that a hub writes. */
const EVENTS = [
  ['1-0', 'data: one'],
  ['2-0', 'event: named\ndata: two\ndata: lines'],
  ['1-5~2-0', 'data: läte €😀'],
  ['3-0', 'event: position\ndata:'],
  ['4-0@0,2-0@1', ': channel a%20b\ndata: shards'],
  ['5-0', 'data: five'],
] as const;
const APPLICATION = ['one', 'two\nlines', 'läte €😀', 'shards', 'five'];

const toBlock = ([id, text]: readonly [string, string]) => `id: ${id}\n${text}\n\n`;
const WHOLE = Buffer.from(`retry: 1\nid: 0-0\nevent: position\ndata:\n\n${EVENTS.map(toBlock).join('')}`);

/** What the server sends to a client that comes with an id: what lies behind it. */
function from(id: string | undefined): Buffer {
  if (id === undefined) return WHOLE;
  const index = EVENTS.findIndex(([own]) => own === id);
  const head = `retry: 1\nid: ${id}\nevent: position\ndata:\n\n`;
  return Buffer.from(
    head +
      EVENTS.slice(index + 1)
        .map(toBlock)
        .join(''),
  );
}

/** Cuts the stream of each client once, behind as many bytes as its path says. */
async function startCutter(): Promise<RawServer> {
  const cut = new Set<string>();
  return RawServer.start((request, response) => {
    const { url, headers } = request;
    const bytes = from(headers['last-event-id'] as string | undefined);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (cut.has(url!)) {
      response.write(bytes);
      return;
    }
    cut.add(url!);
    response.flushHeaders();
    response.end(bytes.subarray(0, Number(url!.slice(1))));
  });
}

it('delivers each event once, wherever the stream is cut', async () => {
  const server = await startCutter();
  const recordings = Array.from(
    { length: WHOLE.length },
    (_, bytes) => new RecordedConnection({ url: `${server.url}/${bytes}`, backoff: { min: 1, max: 5 } }),
  );
  // Hundreds of clients at once, on a busy machine.
  await until(() => recordings.every(({ data }) => data.at(-1) === 'five'), { timeout: 120_000 });
  for (const { data } of recordings) expect(data).toEqual(APPLICATION);
  for (const { connection } of recordings) expect(connection.lastEventId).toBe('5-0');
  expect(recordings[0]!.events[3]!.channel).toBe('a b');
  for (const recorded of recordings) recorded.close();
  await server.stop();
});

describe('negative controls: a client that reads otherwise', () => {
  /** Reads the stream up to the cut, and what follows on its return. */
  function read(bytes: number, end: (parser: ReturnType<typeof createParser>) => void, movesAtOnce = false) {
    let id: string | undefined;
    const data: string[] = [];
    const parse = (text: string, isCut: boolean) => {
      const parser = createParser({
        onEvent: (event) => {
          id = event.id ?? id;
          if (event.event !== 'position') data.push(event.data);
        },
      });
      parser.feed(text);
      if (isCut) end(parser);
      if (movesAtOnce) id = [...text.matchAll(/^id: (.*)\n/gm)].at(-1)?.[1] ?? id;
    };
    parse(WHOLE.subarray(0, bytes).toString(), true);
    parse(from(id).toString(), false);
    return data;
  }
  const differs = (data: string[]) => JSON.stringify(data) !== JSON.stringify(APPLICATION);
  const cuts = Array.from({ length: WHOLE.length }, (_, bytes) => bytes);

  it('is whole with the rules of the standard', () => {
    expect(cuts.filter((bytes) => differs(read(bytes, () => undefined)))).toEqual([]);
  });

  it('breaks events where it dispatches a block at the end of the stream', () => {
    const dispatch = (parser: ReturnType<typeof createParser>) => parser.feed('\n\n');
    expect(cuts.filter((bytes) => differs(read(bytes, dispatch))).length).toBeGreaterThan(50);
  });

  it('loses events where the id of a cut block counts', () => {
    expect(cuts.filter((bytes) => differs(read(bytes, () => undefined, true))).length).toBeGreaterThan(50);
  });
});
