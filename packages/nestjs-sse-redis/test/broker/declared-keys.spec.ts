import { until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import type { NewConnection } from '../../src/broker/registry-store.interface.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publishAll, publication } from './broker-set-ups.js';

const SCRIPTS = join(import.meta.dirname, '../../src/broker/redis/scripts');
const LONG = 60_000;
const WITHOUT_KEY = /^(publish|time|info)$/i;

const redis = useRedis();

/** What MONITOR showed: each run of a script with its keys, and the commands of scripts whose key was not among them. */
interface Watched {
  readonly scripts: Set<string>;
  readonly undeclared: string[];
}

/** Watches scripts while something is done, by `MONITOR`: a run comes before its commands, whose source is `lua`. */
async function watch(work: () => Promise<unknown>): Promise<Watched> {
  const watched: Watched = { scripts: new Set(), undeclared: [] };
  const client = new Redis(redis.url);
  const monitor = await client.monitor();
  let declared = new Set<string>();
  let isOver = false;
  monitor.on('monitor', (_time: string, [name, ...args]: string[], source: string) => {
    if (source !== 'lua') {
      isOver ||= name === 'echo';
      const isScript = /^evalsha$/i.test(name!);
      declared = new Set(isScript ? args.slice(2, 2 + Number(args[1])) : []);
      if (isScript) watched.scripts.add(args[0]!);
    } else if (args.length > 0 && !WITHOUT_KEY.test(name!) && !declared.has(args[0]!)) {
      watched.undeclared.push(`${name} ${args[0]}`);
    }
  });
  try {
    await work();
    await redis.cli('echo', 'over');
    await until(() => isOver);
  } finally {
    monitor.disconnect();
    client.disconnect();
  }
  return watched;
}

const connection = (id: string, more: Partial<NewConnection> = {}): NewConnection => ({
  id: `node.${id}`,
  node: 'node',
  user: 'ada',
  channels: ['news', 'sport'],
  address: '10.0.0.1',
  userAgent: 'x',
  metadata: undefined,
  ...more,
});

/** Everything that a broker does, so that each script runs. */
async function doAll(broker: RedisBroker): Promise<void> {
  const { registry } = broker;
  await publishAll(broker, publication('news', 1, { key: 'once' }), publication('sport', 2));
  await publishAll(broker, publication('news', 3, { ephemeral: true }));
  await publishAll(broker, { ...publication('short', 3), history: { ttl: 1_000 } }, publication('new', 1));
  const keyed = { ...publication('board', 1, { key: 'keyed' }), state: { key: 'a', maxKeys: 1 } };
  const removal = { ...keyed, event: { kind: 'r', text: 'data: 1\n\n' }, idempotencyKey: undefined } as const;
  const other = { ...publication('board', 2), state: { key: 'b', maxKeys: 1 } };
  await publishAll(broker, keyed, removal, other, { ...removal, state: other.state }, other);
  await broker.read(
    ['news', 'quiet', 'board'].map((channel) => ({ channel, after: 0 })),
    { records: 10, bytes: 1e6 },
  );
  await broker.positionBefore(['news', 'quiet'], 5);
  await broker.logStarts(['news', 'quiet']);
  await broker.extents([{ channel: 'news', after: 0, upTo: await broker.position() }]);
  await broker.checkWrites();
  await broker.send('node', 'hello');
  const { run } = await broker.runs.start({
    channel: 'news',
    node: 'node',
    token: 'x',
    history: { maxLength: 1 },
  });
  const fence = { id: run.id, node: 'node', sequence: 1, base: 0 };
  const end = { state: 'done', retain: LONG } as const;
  await publishAll(broker, { ...publication('news', 4), run: { ...fence, end } });
  await broker.runs.get('news');

  await registry.renew({ id: 'node', host: 'here', pid: 1 }, LONG);
  const limits = { connectionsPerUser: 5, connectionsPerAddress: 5 };
  await registry.register(
    'node',
    [connection('a'), connection('b'), connection('c', { user: undefined })],
    limits,
  );
  await registry.addRuns('node', ['news']);
  await registry.removeRuns('node', ['news']);
  await registry.update(connection('a', { channels: ['sport', 'order:7'] }));
  for (const filter of [
    {},
    { user: 'ada' },
    { channel: 'news' },
    { channel: 'news', user: 'ada' },
    { node: 'node' },
  ]) {
    await registry.list(filter, 2, undefined);
    await registry.count(filter);
  }
  await registry.count({ address: '10.0.0.1' });
  await registry.presence('news', 10, undefined);
  await registry.nodes();
  await registry.get('node.a');
  await registry.unregister([{ id: 'node.a', reason: 'closed' }]);
  await registry.sweep('other', LONG, 10);
  await registry.leave('node', 'drained', 10);
}

it('declares each key that a script uses, which some servers want', async () => {
  const options = resolveOptions({ redis: redis.url, prefix: randomUUID() });
  const broker = new RedisBroker(redis.url, options, 'node', undefined, (channel) => channel === 'board');
  const watched = await watch(async () => {
    await broker.start(new Heard());
    await doAll(broker);
    await broker.close();
  });
  expect(watched.undeclared).toEqual([]);
  const files = readdirSync(SCRIPTS, { recursive: true, encoding: 'utf8' });
  expect(watched.scripts.size).toBe(
    files.filter((file) => /^(?!publish-event)(registry.)?[\w-]+\.lua$/.test(file)).length,
  );
});

it('finds a key that is not declared (control)', async () => {
  const { undeclared } = await watch(async () => {
    const sha = await redis.cli('SCRIPT', 'LOAD', "return redis.call('SET', KEYS[1] .. 'more', 1)");
    await redis.cli('EVALSHA', sha as string, 1, 'key');
  });
  expect(undeclared).toEqual(['SET keymore']);
});
