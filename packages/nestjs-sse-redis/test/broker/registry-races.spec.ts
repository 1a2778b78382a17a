import { Random, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import {
  CHANGES_CHANNEL,
  type ConnectionChange,
  type ConnectionRecord,
  type NewConnection,
} from '../../src/broker/registry-store.interface.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { dataOf, Heard } from './broker-set-ups.js';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const RUNS = 3;
const NODES = 4;
const STEPS = 150;
const AT_ONCE = 3;
const LONG = 60_000;
const CHANNELS = ['news', 'sport', 'a:*?[x]', 'ключ'];
const USERS = ['anna', 'ann', 'anna ', '🙂', '%d', undefined];
const NO_LIMITS = { connectionsPerUser: 0, connectionsPerAddress: 0 };

const redis = useRedis();

class Town {
  readonly prefix = randomUUID();
  readonly heard = new Heard();
  readonly brokers: RedisBroker[];
  private readonly made: string[] = [];

  constructor(private readonly random: Random) {
    const options = resolveOptions({ redis: redis.url, prefix: this.prefix });
    this.brokers = Array.from({ length: NODES }, (_, i) => new RedisBroker(redis.url, options, `n${i}`));
  }

  get registry() {
    return this.brokers[0]!.registry;
  }

  async start(): Promise<void> {
    await Promise.all(this.brokers.map((broker, i) => broker.start(i === 0 ? this.heard : new Heard())));
    await this.brokers[0]!.subscribe(CHANGES_CHANNEL);
  }

  /** Something that happens, through a broker of its choice, while other things do. */
  async step(): Promise<void> {
    const { random } = this;
    const { registry } = random.pick(this.brokers);
    const node = `n${random.int(NODES)}`;
    // One of the newest: it may be in, on its way, or gone again.
    const known = () => this.made.at(-1 - random.int(30)) ?? 'n0.0';
    const roll = random.int(100);
    if (roll < 30) await registry.register(node, this.newcomers(node), NO_LIMITS);
    else if (roll < 50) await registry.unregister([known(), known()].map((id) => ({ id, reason: 'left' })));
    else if (roll < 60) await this.change(known());
    else if (roll < 80)
      await registry.renew({ id: node, host: 'here', pid: 1 }, random.chance(0.6) ? 1 : LONG);
    else if (roll < 97) await registry.sweep(node, 5, 1 + random.int(5));
    else await registry.leave(node, 'shutdown', 1 + random.int(20));
  }

  changes(): ConnectionChange[] {
    return this.heard.events.flatMap(({ record }) => dataOf(record) as ConnectionChange[]);
  }

  async everybody(): Promise<ConnectionRecord[]> {
    const found: ConnectionRecord[] = [];
    let after: string | undefined;
    do {
      const page = await this.registry.list({}, 100, after);
      found.push(...page.connections);
      after = page.next;
    } while (after !== undefined);
    return found;
  }

  private newcomers(node: string): NewConnection[] {
    return Array.from({ length: 1 + this.random.int(6) }, () =>
      this.connection(`${node}.${this.made.length}`),
    );
  }

  private connection(id: string): NewConnection {
    const { random } = this;
    this.made.push(id);
    return {
      id,
      node: id.split('.')[0]!,
      user: random.pick(USERS),
      channels: this.someChannels(),
      address: random.pick(['::1', '10.0.0.1', undefined]),
      userAgent: undefined,
      metadata: { n: this.made.length },
    };
  }

  private someChannels(): string[] {
    return this.random.shuffle(CHANNELS).slice(0, this.random.int(CHANNELS.length + 1));
  }

  private async change(id: string): Promise<void> {
    const found = await this.registry.get(id);
    if (!found) return;
    // It may be gone by now, or have been changed by another.
    await this.registry.update({ ...found, channels: this.someChannels() });
  }
}

/** What the changes that were announced make of the registry, each being what it can be after those before it. */
function follow(changes: readonly ConnectionChange[]): Map<string, readonly string[]> {
  const present = new Map<string, readonly string[]>();
  for (const { type, connection, channels } of changes) {
    const before = present.get(connection.id);
    expect([type, connection.id, before !== undefined]).toEqual([type, connection.id, type !== 'connected']);
    if (type === 'disconnected') {
      expect(connection.channels.toSorted()).toEqual(before!.toSorted());
      present.delete(connection.id);
      continue;
    }
    const now =
      type === 'connected'
        ? connection.channels
        : type === 'subscribed'
          ? [...before!, ...channels!]
          : before!.filter((channel) => !channels!.includes(channel));
    present.set(connection.id, now);
  }
  return present;
}

function countBy<T>(items: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

async function expectExact({ registry }: Town, everybody: readonly ConnectionRecord[]): Promise<void> {
  const counted = (name: 'user' | 'address', value: string) =>
    everybody.filter((one) => one[name] === value).length;
  expect(await registry.count({})).toBe(everybody.length);
  for (const user of USERS.filter((user) => user !== undefined))
    expect([user, await registry.count({ user })]).toEqual([user, counted('user', user)]);
  for (const address of ['::1', '10.0.0.1'])
    expect([address, await registry.count({ address })]).toEqual([address, counted('address', address)]);
  for (let i = 0; i < NODES; i++)
    expect(await registry.count({ node: `n${i}` })).toBe(
      everybody.filter(({ node }) => node === `n${i}`).length,
    );
  for (const channel of CHANNELS) {
    const there = everybody.filter(({ channels }) => channels.includes(channel));
    const users = countBy(there.flatMap(({ user }) => user ?? []));
    const presence = await registry.presence(channel, 100, undefined);
    expect(presence.connections).toBe(there.length);
    expect(presence.anonymous).toBe(there.filter(({ user }) => user === undefined).length);
    expect(new Map(presence.users.map(({ user, connections }) => [user, connections]))).toEqual(users);
    const listed = (await registry.list({ channel }, 1_000, undefined)).connections.map(({ id }) => id);
    expect(new Set(listed)).toEqual(new Set(there.map(({ id }) => id)));
  }
}

it(`keeps indexes and announcements true to the records, whatever happens at once, in ${RUNS} runs (SEED=${SEED})`, async () => {
  const seen = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    const town = new Town(new Random(SEED + run));
    await town.start();
    await Promise.all(
      Array.from({ length: NODES * AT_ONCE }, async () => {
        for (let i = 0; i < STEPS; i++) await town.step();
      }),
    );
    const everybody = await town.everybody();
    await expectExact(town, everybody);

    // Whatever was announced has been heard when the last thing is.
    for (let i = 0; i < NODES; i++) await town.registry.renew({ id: `n${i}`, host: 'here', pid: 1 }, LONG);
    const last: NewConnection = { ...everybody[0]!, id: 'n0.last', node: 'n0', user: 'last', channels: [] };
    await town.registry.register('n0', [last], NO_LIMITS);
    await until(() => town.changes().at(-1)?.connection.id === 'n0.last');
    const present = follow(town.changes());
    present.delete('n0.last');
    expect(new Set(present.keys())).toEqual(new Set(everybody.map(({ id }) => id)));
    for (const { id, channels } of everybody)
      expect([id, present.get(id)!.toSorted()]).toEqual([id, channels.toSorted()]);
    for (const { type, reason } of town.changes()) {
      const what = reason ?? type;
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }

    // And when all are gone, nothing is left.
    for (let i = 0; i < NODES; i++)
      for (let more = true; more;) ({ more } = await town.registry.leave(`n${i}`, 'shutdown', 50));
    await until(async () => !(await town.registry.sweep('n0', 5, 50)).locked);
    expect(await redis.cli('KEYS', `{${town.prefix}}:reg2:*`)).toEqual([]);
    await Promise.all(town.brokers.map((broker) => broker.close()));
  }
  // The schedules were worth it.
  for (const what of ['connected', 'subscribed', 'unsubscribed', 'left', 'node-lost', 'shutdown'])
    expect([what, (seen.get(what) ?? 0) > 20]).toEqual([what, true]);
  process.stdout.write(`\nregistry races: ${JSON.stringify(Object.fromEntries(seen))}\n`);
});
