import { until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, type SseClient } from 'nestjs-sse-redis-client';
import type { ServerResponse } from 'node:http';
import { effectScope, ref, shallowRef } from 'vue';
import { useRun } from '../../src/vue/use-run.js';
import { RawServer } from '../fixtures/raw-server.js';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;
const clients: SseClient[] = [];

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await app.stop();
});

function connect(): SseClient {
  const client = createClient({ url: app.streamUrl('news'), log: () => undefined });
  clients.push(client);
  return client;
}

describe('useRun() of Vue', () => {
  it.each([
    ['the client is another one', 'client'],
    ['the id of the run becomes known', 'after'],
  ])('begins the text anew where %s in its midst', async (_, change) => {
    const channel = `answer:${change}`;
    let goOn!: () => void;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const started = await app.hub.run(channel, async function* () {
      yield 'Hel';
      await gate;
      yield 'lo';
    });
    const client = shallowRef(connect());
    const after = shallowRef(change === 'client' ? started.id : undefined);
    const scope = effectScope();
    const view = scope.run(() => useRun(client, channel, after))!;
    await until(async () => (await app.registry.count({ channel })) === 1);
    if (change === 'client') {
      await until(() => view.value.text === 'Hel');
      client.value = connect();
    } else after.value = started.id;
    await until(() => view.value.text === 'Hel');
    goOn();
    await until(() => view.value.state === 'done');
    expect(view.value).toMatchObject({ text: 'Hello', hasGap: false });
    scope.stop();
  });

  it('keeps the text of a run that is over, where the server takes its channel off', async () => {
    const client = connect();
    const scope = effectScope();
    const view = scope.run(() => useRun(client, 'answer:over'))!;
    const isOn = () => app.registry.list({ channel: 'answer:over' });
    await until(async () => (await isOn()).connections.length === 1);
    await app.hub.run('answer:over', () => ['Hello']);
    await until(() => view.value.state === 'done');
    await app.hub.unsubscribe((await isOn()).connections[0]!.id, 'answer:over');
    await until(() => view.value.error !== undefined);
    expect(view.value).toEqual({ text: 'Hello', state: 'done', error: 'CHANNEL_REFUSED', hasGap: false });
    scope.stop();
  });

  it('shows nothing of one run for another, where the channel changes between events that come at once', async () => {
    const control = { connection: 'a.1', secret: 's', channels: ['news', 'answer:1', 'answer:2'] };
    const toBlock = (id: number, channel: string, data: string) =>
      `id: ${id}-0\n: channel ${channel} text\ndata: ${data}\n\n`;
    let stream!: ServerResponse;
    const server = await RawServer.start((_, response) => {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream.write(`id: 100-0\nevent: control\ndata: ${JSON.stringify(control)}\n\n`);
    });
    const client = createClient({ url: server.url, log: () => undefined });
    clients.push(client);
    const channel = ref('answer:1');
    client.channel('news').on('message', () => (channel.value = 'answer:2'));
    const scope = effectScope();
    const view = scope.run(() => useRun(client, channel))!;
    await until(() => client.lastEventId === '100-0');
    stream.write(
      toBlock(101, 'answer:1', 'a') + toBlock(102, 'news', 'next') + toBlock(103, 'answer:1', 'b'),
    );
    await until(() => client.lastEventId === '103-0');
    stream.write(toBlock(104, 'answer:2', 'c'));
    await until(() => client.lastEventId === '104-0');
    expect(view.value).toEqual({ text: 'c', state: 'running', hasGap: false });
    scope.stop();
    client.close();
    await server.stop();
  });
});
