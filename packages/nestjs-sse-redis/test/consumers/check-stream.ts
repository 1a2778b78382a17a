import { deepStrictEqual } from 'node:assert/strict';

/** Opens `GET /news`, posts to it, and sees that what was posted, nothing else, arrives under the ids that the posts got. */
export async function checkStream(url: string): Promise<void> {
  const abort = new AbortController();
  const response = await fetch(`${url}/news`, { signal: abort.signal });
  deepStrictEqual(response.headers.get('content-type')?.split(';')[0], 'text/event-stream');
  deepStrictEqual(response.headers.get('incremental'), '?1');
  const dismissed = await fetch(`${url}/news?lastEventId=dismissed`);
  deepStrictEqual([dismissed.status, dismissed.headers.get('cache-control')], [204, 'no-store']);
  const blocks = readBlocks(response);

  // The first id says from where on this stream is whole: what is posted now must arrive.
  await nextWith(blocks, 'id');
  const posted: unknown[] = [];
  const received: unknown[] = [];
  const post = (data: object) =>
    fetch(`${url}/news`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(data),
    });
  // By the definition of the channel, which a module of the application registers.
  const refused = await post({ headline: 1 });
  const { code } = (await refused.json()) as { code: string };
  deepStrictEqual([refused.status, code], [400, 'INVALID_EVENT_DATA']);
  for (const data of [{ headline: 'one' }, { headline: 'two' }]) {
    const answer = await post(data);
    const { id } = (await answer.json()) as { id: string };
    posted.push({ id, event: 'article', data });
  }
  while (received.length < posted.length) {
    const { id, event, data } = await nextWith(blocks, 'data');
    // Positions are no events of the application.
    if (event !== 'position') received.push({ id, event, data: JSON.parse(data ?? '') });
  }
  deepStrictEqual(received, posted);
  abort.abort();
}

type Block = Record<string, string>;

/** The blocks between empty lines, as field → value. The events here fit on a line. */
async function* readBlocks(response: Response): AsyncGenerator<Block> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = text
        .slice(0, end)
        .split('\n')
        .map((line) => line.split(/: ?(.*)/s, 2));
      text = text.slice(end + 2);
      yield Object.fromEntries(fields) as Block;
    }
  }
}

async function nextWith(blocks: AsyncGenerator<Block>, field: string): Promise<Block> {
  for (;;) {
    const { done, value } = await blocks.next();
    if (done) throw new Error(`The stream ended before a block with "${field}" came.`);
    if (field in value) return value;
  }
}
