import { createClient, type Channel, type SseClient } from 'nestjs-sse-redis-client';
import { RawServer, stream } from '../fixtures/raw-server.js';

/** More than may wait for a reader by default, as after a page's long task, or from a run's beginning. */
const MANY = Array.from({ length: 5_000 }, (_, i) => i);
const CONTROL = 'id: 100-0\nevent: control\ndata: {"connection":"a.1","secret":"s","channels":["news"]}\n\n';
const BURST = MANY.map((n) => `id: ${101 + n}-0\n: channel news\ndata: ${n}\n\n`).join('');

let server: RawServer;
let client: SseClient;

/** Many events that the network brings at once. */
async function open(): Promise<Channel> {
  server = await RawServer.start(stream(CONTROL + BURST));
  client = createClient({ url: `${server.url}/events` });
  return client.channel('news');
}

afterEach(async () => {
  client.close();
  await server.stop();
});

describe('a loop over a channel, where more events come at once than may wait', () => {
  it('gets each of them in order, if it waits for nothing else', async () => {
    const read: unknown[] = [];
    for await (const { data } of await open()) if (read.push(data) === MANY.length) break;
    expect(read).toEqual(MANY);
  });

  it('gets those that may wait, and then SLOW_READER, if it waits for something else', async () => {
    const channel = await open();
    const read: unknown[] = [];
    const loop = async () => {
      for await (const { data } of channel) {
        read.push(data);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await expect(loop()).rejects.toMatchObject({ code: 'SLOW_READER' });
    expect(read).toEqual(MANY.slice(0, read.length));
    expect(read.length).toBeGreaterThanOrEqual(1_000);
  });
});
