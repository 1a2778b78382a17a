import { until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { failureOf, Hubs, type TestHub } from '../hub/hubs.js';
import { keysOf, SCRIPT, toArguments, type ForeignEvent } from './foreign-publisher.js';

const hubs = Hubs.over('redis');
const DATABASE = 3;
const OTHER = 0;
const event: ForeignEvent = { kind: 'text', data: 'hello' };

let prefix: string;
/** Two environments on one Redis, which only their databases tell apart. */
let hub: TestHub;
let other: TestHub;
beforeEach(async () => {
  prefix = randomUUID();
  const start = (database: number) => hubs.start({ prefix, redis: `${hubs.redis.url}/${database}` });
  [hub, other] = await Promise.all([start(DATABASE), start(OTHER)]);
});

/** @param named the number of the database in the name of the pub/sub channel */
async function publish(named: number): Promise<string> {
  const keys = keysOf('news', { prefix }).map((key) => key.replace(':live:0:', `:live:${named}:`));
  const connection = hubs.redis.client({ db: DATABASE });
  const [count, ...rest] = toArguments(keys, event);
  return (await connection.eval(SCRIPT, count as number, ...rest)) as string;
}

describe('publish-event.lua in a database with another number', () => {
  it('publishes to the hub of that database, and to no other', async () => {
    const [listener, stranger] = [await hub.listener('news'), await other.listener('news')];
    const id = await publish(DATABASE);
    await until(() => listener.ids.includes(id));
    await hub.proveThatItHears('news', listener);
    await other.proveThatItHears('news', stranger);
    expect(listener.ids).toEqual([id]);
    expect(stranger.ids).toEqual([]);
  });

  it('refuses the number of a database where the hub is not, and stores nothing', async () => {
    const { message } = await failureOf(publish(OTHER));
    expect(message).toBe(`INVALID_ARGUMENT KEYS[3] has to be {${prefix}}:live:${DATABASE}:c:news`);
    expect((await hub.hub.history('news')).events).toEqual([]);
  });

  it('takes any number where only hubs of an earlier release have been', async () => {
    const connection = hubs.redis.client({ db: DATABASE });
    await connection.hdel(`{${prefix}}:clock`, 'db');
    expect(await publish(OTHER)).toMatch(/^\d+-\d+$/);
  });
});
