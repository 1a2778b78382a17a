import { until } from '@nestjs-sse-redis/testing';
import { createClient, type ChannelOptions } from 'nestjs-sse-redis-client';
import type { ServerResponse } from 'node:http';
import { openChannel } from '../../src/client/channel-handlers.js';
import { RawServer } from '../fixtures/raw-server.js';

const CONTROL = 'id: 100-0\nevent: control\ndata: {"connection":"a.1","secret":"s","channels":["news"]}\n\n';
const GAP = 'id: 300-0\nevent: gap\ndata: {"channel":"news","from":"200-0","to":"300-0"}\n\n';

it('loads the state by the function of the beginning where a later rendering gives no options', async () => {
  let stream: ServerResponse | undefined;
  const server = await RawServer.start((_, response) => {
    stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
    stream.write(CONTROL);
  });
  const errors: string[] = [];
  const client = createClient({
    url: `${server.url}/events`,
    log: ({ error }) => errors.push(String(error)),
  });
  let loads = 0;
  let options: ChannelOptions | undefined = {
    gapSpread: 0,
    getState: () => Promise.resolve({ state: 1, cursor: `${++loads * 200}-0` }),
  };
  const got: unknown[] = [];
  openChannel(
    client,
    'news',
    () => (event) => got.push(event.data),
    () => options,
  );
  try {
    await until(() => loads === 1 && stream !== undefined);
    options = undefined;
    stream!.write(`${GAP}id: 401-0\n: channel news\ndata: 7\n\n`);
    await until(() => got.includes(7) || errors.length > 0);
    expect(errors).toEqual([]);
    expect(loads).toBe(2);
  } finally {
    client.close();
    await server.stop();
  }
});
