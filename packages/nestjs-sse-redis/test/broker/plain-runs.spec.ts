import { Random, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import publishLua from '../../src/broker/redis/scripts/publish.lua.js';

const redis = useRedis();

/** The long way alone, which a run takes that is out of the ordinary. */
const longLua = publishLua.replace('local isPlain = #KEYS == #ARGV / 4', 'local isPlain = false');

/** ms: longer than since 1970, so that the time of Redis says nothing of what is remembered, either. */
const RETENTION = 4e12;
const MAX_LENGTH = 5;
const REPLIDS = ['a'.repeat(10), `${'b'.repeat(10)}.3`, `${'c'.repeat(10)}.1@2`, '-'];
/** So far ahead that the time of Redis says nothing of the ids: both ways give out the same ones. */
const LAST = (Date.now() + 86_400_000) * 1024;

type Event = readonly [channel: string, flags: string, text: string];

/** One hub in Redis, whose events one of the two scripts publishes. */
class Way {
  private readonly prefix = randomUUID();
  readonly announced: string[] = [];
  private readonly listener = redis.client();

  constructor(private readonly script: string) {}

  async open(replid: string): Promise<void> {
    this.listener.on('pmessage', (_, channel: string, record: string) =>
      this.announced.push(`${channel.slice(this.prefix.length)} ${record}`),
    );
    await this.listener.psubscribe(`${this.prefix}:live:*`);
    await this.set('last', LAST);
    await this.set('since', 5);
    await this.set('retention', RETENTION);
    await this.set('maxLength', MAX_LENGTH);
    await this.set('replid', replid);
  }

  close(): Promise<unknown> {
    return this.listener.quit();
  }

  key(name: string): string {
    return `{${this.prefix}}:${name}`;
  }

  set(field: string, value: string | number): Promise<unknown> {
    return redis.cli('HSET', this.key('clock'), field, value);
  }

  /** @param user of Redis; undefined: the default one */
  async publish(events: readonly Event[], replid: string, hasOptions: boolean, client = redis.client()) {
    const clock = this.key('clock');
    const logs = events.map(([channel]) => (channel === '' ? clock : this.key(`log:${channel}`)));
    const options = hasOptions ? [MAX_LENGTH, RETENTION, 600_000] : ['', '', 600_000];
    const parts = events.flatMap(([channel, flags, text]) => [
      `${this.prefix}:live:${channel}`,
      flags,
      text,
      '',
    ]);
    return client
      .eval(this.script, 1 + logs.length, clock, ...logs, ...options, ...parts, replid)
      .catch((error: Error) => error.message);
  }

  /** All that it has stored. */
  async stored(channels: readonly string[]): Promise<unknown> {
    const logs = channels.map((channel) => this.key(`log:${channel}`));
    const entries = await Promise.all(
      logs.map((log) =>
        redis
          .client()
          .xrange(log, '-', '+')
          .catch(() => 0),
      ),
    );
    const expires = await Promise.all(logs.map(async (log) => (await redis.client().pttl(log)) > RETENTION));
    return { clock: await redis.client().hgetall(this.key('clock')), entries, expires };
  }
}

const CHANNELS = ['a', 'b', 'c'];

/** Something that makes a run an unusual one, or not. */
type Change = (way: Way, value: number) => Promise<unknown>;
const CHANGES: Record<string, Change> = {
  nothing: () => Promise.resolve(),
  'an evicted log': (way) => redis.cli('DEL', way.key('log:a')),
  'a log that is none': (way) => redis.cli('SET', way.key('log:b'), 'x'),
  // Refused where the log is ahead of it.
  'a foreign entry in a log': (way, value) =>
    redis
      .cli('XADD', way.key('log:c'), `${LAST / 1024 + 10 + value}-0`, 'r', 'foreign')
      .catch(() => undefined),
  'a foreign entry that begins as a record': (way, value) =>
    redis.cli('XADD', way.key('log:c'), `${LAST / 1024 + 10 + value}-0`, 'r', '17').catch(() => undefined),
  'a clock that is younger than the logs': (way, value) => way.set('last', LAST - value),
  'a clock without a beginning': (way) => redis.cli('HDEL', way.key('clock'), 'since'),
  'a longer retention': (way) => way.set('raised', '12345 0'),
  tombstones: (way) => way.set('buried', 1),
  'another length': (way) => way.set('maxLength', 3),
};

function randomEvents(random: Random): Event[] {
  return Array.from({ length: 1 + random.int(4) }, (): Event => {
    const flags = random.pick(['j', 't', 'x', 'je', 'te']);
    const isOfNone = flags.endsWith('e') && random.chance(0.25);
    return [isOfNone ? '' : random.pick(CHANNELS), flags, `data: ${random.int(1e6)}\n\n`];
  });
}

it('the script of the long way alone is another than publish.lua: else the comparison would show nothing', () => {
  expect(longLua).not.toBe(publishLua);
});

const seeds = [1, 2, 3, 4, Number(process.env.PLAIN_SEED ?? new Random().seed)];

it.each(seeds)(
  'the short way writes, announces and answers what the long way does, with seed %d',
  async (seed) => {
    const random = new Random(seed);
    for (let round = 0; round < 12; round++) {
      const replid = random.pick(REPLIDS);
      const [short, long] = [new Way(publishLua), new Way(longLua)];
      await Promise.all([short.open(replid), long.open(replid)]);
      let count = 0;
      for (let run = 0; run < 8; run++) {
        const change = CHANGES[random.chance(0.7) ? 'nothing' : random.pick(Object.keys(CHANGES))]!;
        const value = random.int(5_000);
        const events = randomEvents(random);
        const [known, hasOptions] = [random.chance(0.9) ? replid : '', random.chance(0.8)];
        const replies: unknown[] = [];
        for (const way of [short, long]) {
          await change(way, value);
          replies.push(await way.publish(events, known, hasOptions));
        }
        expect(replies[0]).toEqual(replies[1]);
        expect(await short.stored(CHANNELS)).toEqual(await long.stored(CHANNELS));
        count += (replies[0] as unknown[]).filter((reply) => typeof reply === 'number').length;
      }
      await until(() => short.announced.length >= count && long.announced.length >= count);
      expect(count).toBeGreaterThan(8);
      expect(short.announced).toEqual(long.announced);
      await Promise.all([short.close(), long.close()]);
    }
  },
);

it('takes the short way for plain events, and no other where the clock says something else than the caller', async () => {
  const marked = publishLua.replace(
    '    return results\n  end\nend\n',
    "    return { 'short' }\n  end\nend\n",
  );
  const way = new Way(marked);
  await way.open('-');
  const event: Event = ['a', 'j', 'data: 0\n\n'];
  expect(await way.publish([event], '-', true)).toEqual(['short']);
  expect(await way.publish([event, ['b', 'te', 'data: 0\n\n']], '-', false)).toEqual(['short']);
  await way.set('maxLength', MAX_LENGTH + 1);
  expect(await way.publish([event], '-', true)).toEqual([expect.any(Number)]);
});

it.each([
  ['publish to the channel', ['+@all', '-publish']],
  ['append to the log', ['+@all', '-xadd']],
  ['let the log expire', ['+@all', '-pexpire']],
])('stores nothing, on either way, for a user of Redis who may not %s', async (_, rights) => {
  const user = randomUUID();
  await redis.cli('ACL', 'SETUSER', user, 'on', '>pw', '~*', '&*', ...rights);
  const client = redis.client({ username: user, password: 'pw' });
  const replies: unknown[] = [];
  for (const script of [publishLua, longLua]) {
    const way = new Way(script);
    await way.open('-');
    await way.publish([['a', 'j', 'data: 0\n\n']], '-', true);
    const before = await way.stored(['a']);
    const [reply] = (await way.publish([['a', 'j', 'data: 1\n\n']], '-', true, client)) as string[];
    expect(reply).toMatch(/NOPERM|user/i);
    const after = await way.stored(['a']);
    expect(after).toMatchObject({ entries: (before as { entries: unknown }).entries });
    // Redis 6.2 says where in the script.
    replies.push(reply!.replace(/^\S+ -?\d+: /, ''));
  }
  expect(replies[0]).toBe(replies[1]);
});
