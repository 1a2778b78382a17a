import { until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, isAfter, type ChannelOptions, type SseClient } from 'nestjs-sse-redis-client';
import { createHash, randomUUID } from 'node:crypto';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;
let client: SseClient | undefined;

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
afterEach(() => client?.close());
afterAll(() => app.stop());

/** As docs/delivery.md has it. */
const keyOf = (channel: string) => createHash('sha1').update(channel).digest('base64url').slice(0, 8);

/** Publishes 0 to 3 to a channel. @returns the ids */
async function publish(channel: string): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await app.hub.publish(channel, { data: i })).id);
  return ids;
}

/** What a channel hands over to one who goes on from an id, up to an event that is published now. */
async function receive(
  route: string,
  channel: string,
  lastEventId: string | undefined,
  options?: ChannelOptions,
): Promise<unknown[]> {
  client = createClient({ url: app.streamUrl(route), ...(lastEventId !== undefined && { lastEventId }) });
  const got: unknown[] = [];
  client.channel(channel, options).on('message', (data) => got.push(data));
  await until(async () => (await app.registry.count({ channel })) === 1);
  await app.hub.publish(channel, { data: 'last' });
  await until(() => got.includes('last'));
  return got;
}

describe('a client that lacks events of a channel from before its position', () => {
  let channel: string;
  beforeEach(() => (channel = `room:${randomUUID()}`));

  it('is handed them where it adds the channel after an id that names it', async () => {
    const [begin, , , newest] = await publish(channel);
    const after = `${newest}~${begin}:${keyOf(channel)}~${newest}`;
    expect(await receive('news', channel, undefined, { after })).toEqual([1, 2, 3, 'last']);
  });

  it('is handed them where it comes back with an id that names a channel of its route', async () => {
    const [begin, , , newest] = await publish(channel);
    const id = `${newest}~${begin}:${keyOf('other')}.${keyOf(channel)}~${newest}`;
    expect(await receive(channel, channel, id)).toEqual([1, 2, 3, 'last']);
  });

  it('is handed them where it comes back with the id of a late event of the channel', async () => {
    const [, late, , newest] = await publish(channel);
    expect(await receive(channel, channel, `${late}~${newest}`)).toEqual([2, 3, 'last']);
  });

  it('is handed nothing twice where the id that it goes on after is an event of the channel itself, and names another', async () => {
    const [, second, , newest] = await publish(channel);
    const after = `${second}~${second}:${keyOf('other')}~${newest}`;
    expect(await receive('news', channel, undefined, { after })).toEqual([2, 3, 'last']);
  });
});

it.each([
  ['7-0', '9-0~5-0:abcdefgh~9-0', true],
  ['5-0', '9-0~5-0:abcdefgh~9-0', false],
  ['8-0', '9-0~7-0:abcdefgh~6-0:ijklmnop~9-0', true],
  ['6-0', '9-0~7-0:abcdefgh~6-0:ijklmnop~9-0', false],
  ['6-0', '5-0~9-0', true],
  ['5-0', '5-0~9-0', false],
  ['6-0@1', '9-0@0~5-0@0:abcdefgh~9-0@0,7-0@1~5-0@1:abcdefgh~7-0@1', true],
  ['4-0@1', '3-0@0,7-0@1~5-0@1:abcdefgh~7-0@1', false],
  ['9-0~5-0:abcdefgh~9-0', '9-0~5-0:abcdefgh~9-0', false],
])('isAfter(%s, %s) is %s', (id, position, expected) => {
  expect(isAfter(id, position)).toBe(expected);
});
