import { until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, type SseClient } from 'nestjs-sse-redis-client';
import { effectScope, shallowRef } from 'vue';
import { useRun } from '../../src/vue/use-run.js';
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
});
