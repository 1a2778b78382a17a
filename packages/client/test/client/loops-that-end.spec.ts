import { until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, type ChannelEvent, type SseClient } from 'nestjs-sse-redis-client';
import { setTimeout as pause } from 'node:timers/promises';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;
let client: SseClient;

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
beforeEach(async () => {
  client = createClient({ url: app.streamUrl('news'), log: () => undefined });
  await until(() => client.state.status === 'open');
});
afterEach(() => client.close());
afterAll(() => app.stop());

async function* words() {
  yield* ['a', 'b'];
}
const WHOLE = ['message', 'message', 'end'];

const count = (channel: string) => app.registry.count({ channel });
const isOn = (channel: string) => until(async () => (await count(channel)) === 1);
const isOff = (channel: string) =>
  until(async () => (await count(channel)) === 0, { message: `${channel} is off the stream` });

async function read(events: AsyncIterable<ChannelEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of events) types.push(type);
  return types;
}

describe('a channel whose loop has ended by itself', () => {
  it('leaves the stream: a page that shows one answer after the other has none of them left', async () => {
    const answers = Array.from({ length: 20 }, (_, i) => `answer:${i}`);
    for (const answer of answers) {
      const types = read(client.channel(answer));
      await isOn(answer);
      await app.hub.run(answer, words);
      expect(await types).toEqual(WHOLE);
    }
    for (const answer of answers) await isOff(answer);
  });

  it('leaves the stream where its reader was too slow, also after it has tried again', async () => {
    const channel = client.channel('fast', { maxQueued: 1 });
    const loop = async () => {
      for await (const _ of channel) {
        await app.hub.publishMany([1, 2, 3].map((data) => ({ channel: 'fast', data })));
        await pause(100);
      }
    };
    for (let tries = 0; tries < 3; tries++) {
      const slow = loop().catch((error: Error) => error);
      await isOn('fast');
      await app.hub.publish('fast', { data: 0 });
      expect(await slow).toMatchObject({ code: 'SLOW_READER' });
    }
    await isOff('fast');
  });

  it('stays on the stream for a loop that begins at once, and for whoever else listens', async () => {
    const chat = client.channel('chat');
    const heard: string[] = [];
    const both = (async () => [await read(chat), await read(chat)])();
    const off = client.channel('chat').onEvent(({ type }) => heard.push(type));
    await isOn('chat');
    await app.hub.run('chat', words);
    await until(() => heard.length === WHOLE.length);
    await app.hub.run('chat', words);
    expect(await both).toEqual([WHOLE, WHOLE]);
    await until(() => chat.isClosed);
    expect(await count('chat')).toBe(1);
    off();
  });

  it('stays on the stream for a loop that begins at once behind one that was left', async () => {
    const room = client.channel('room');
    let isLeft = false;
    const reading = (async () => {
      for await (const _ of room) break;
      isLeft = true;
      return read(room);
    })();
    await isOn('room');
    await app.hub.publish('room', { data: 0 });
    await until(() => isLeft);
    await app.hub.run('room', words);
    expect(await reading).toEqual(WHOLE);
    await isOff('room');
  });
});
