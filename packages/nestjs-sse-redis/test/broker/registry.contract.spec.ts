import { InvalidArgumentError } from '../../src/errors/invalid-argument.error.js';
import { until } from '@nestjs-sse-redis/testing';
import type { Broker } from '../../src/broker/broker.interface.js';
import {
  CHANGES_CHANNEL,
  type ConnectionChange,
  type NewConnection,
  type RegistryLimits,
} from '../../src/broker/registry-store.interface.js';
import { brokerSetUps, dataOf, Heard } from './broker-set-ups.js';

const NO_LIMITS: RegistryLimits = { connectionsPerUser: 0, connectionsPerAddress: 0 };
const LONG = 60_000;

function connection(id: string, more: Partial<NewConnection> = {}): NewConnection {
  const [node] = id.split('.');
  return {
    id,
    node: node!,
    user: undefined,
    channels: ['news'],
    address: undefined,
    userAgent: undefined,
    metadata: undefined,
    ...more,
  };
}

const node = (id: string) => ({ id, host: 'here', pid: 1 });

describe.each(brokerSetUps)('the registry of the $name broker', (setUp) => {
  let broker: Broker;
  let since: number;

  beforeAll(() => setUp.prepare());
  afterAll(() => setUp.dispose());
  beforeEach(async () => {
    broker = setUp.create({ registry: { leaseTtl: 100 } });
    await broker.start(new Heard());
    since = await broker.position();
    await broker.registry.renew(node('n1'), LONG);
    await broker.registry.renew(node('n2'), LONG);
  });
  afterEach(() => broker.close());

  const register = (connections: readonly NewConnection[], limits = NO_LIMITS) =>
    broker.registry.register(connections[0]!.node, connections, limits);

  /** All that was announced since the start of the test. */
  async function changes(): Promise<ConnectionChange[]> {
    const [slice] = await broker.read([{ channel: CHANGES_CHANNEL, after: since }], {
      records: 1e6,
      bytes: 1e9,
    });
    return slice!.records.flatMap((record) => dataOf(record) as ConnectionChange[]);
  }

  async function told(): Promise<string[]> {
    return (await changes()).map(({ type, connection, reason }) =>
      [type, connection.id, ...(reason === undefined ? [] : [reason])].join(' '),
    );
  }

  it('knows what it was told of a connection, and since when, by its own clock', async () => {
    const metadata = { name: 'Anna', deep: [1, { a: null }] };
    const before = Date.now();
    const whole = connection('n1.1', {
      user: 'anna',
      channels: ['a', 'b:{1}*'],
      address: '::1',
      userAgent: 'x/1',
      metadata,
    });
    expect(await register([whole, connection('n1.2')])).toEqual(['admitted', 'admitted']);
    const found = await broker.registry.get('n1.1');
    expect(found).toEqual({ ...whole, since: expect.any(Number) as number });
    expect(found!.since).toBeGreaterThanOrEqual(before);
    expect(await broker.registry.get('n1.2')).toMatchObject({ id: 'n1.2', channels: ['news'] });
    expect(await broker.registry.get('n1.3')).toBeUndefined();
    expect(await told()).toEqual(['connected n1.1', 'connected n1.2']);
    expect((await changes())[0]).toMatchObject({
      at: found!.since,
      connection: { ...whole, since: found!.since },
    });
  });

  it('takes whatever users, channels and metadata there are', async () => {
    let deep: unknown = 1;
    for (let i = 0; i < 1_500; i++) deep = [deep];
    const users = ['%d', '*', '[a]', '{x}', 'ключ', '🙂', 'a b', '__proto__', '"', '\\', '%z$&'];
    await register(
      users.map((user, i) =>
        connection(`n1.${i}`, { user, channels: [user, 'all'], metadata: i === 0 ? deep : user }),
      ),
    );
    for (const [i, user] of users.entries()) {
      expect(await broker.registry.count({ user })).toBe(1);
      expect((await broker.registry.list({ user, channel: 'all' }, 10, undefined)).connections).toMatchObject(
        [{ id: `n1.${i}` }],
      );
      expect((await broker.registry.presence(user, 10, undefined)).users).toEqual([{ user, connections: 1 }]);
    }
    expect(
      (await broker.registry.presence('all', 100, undefined)).users.map(({ user }) => user).sort(),
    ).toEqual(users.toSorted());
    await broker.registry.unregister(users.map((_, i) => ({ id: `n1.${i}`, reason: `"\n${i}` })));
    expect(await broker.registry.count({})).toBe(0);
    expect((await changes()).at(-1)).toMatchObject({ reason: `"\n${users.length - 1}` });
  });

  it('registers a connection once, and takes it out once', async () => {
    await register([connection('n1.1', { user: 'anna', address: '1' })]);
    expect(await register([connection('n1.1', { user: 'anna', address: '1' })])).toEqual(['admitted']);
    expect(await broker.registry.count({ user: 'anna' })).toBe(1);
    expect(await broker.registry.count({ address: '1' })).toBe(1);
    for (let i = 0; i < 2; i++) await broker.registry.unregister([{ id: 'n1.1', reason: 'left' }]);
    expect(await broker.registry.count({ address: '1' })).toBe(0);
    expect(await told()).toEqual(['connected n1.1', 'disconnected n1.1 left']);
  });

  it('counts and announces one that is named twice at once but once', async () => {
    const anna = (i: number) => connection(`n1.${i}`, { user: 'anna', address: '1' });
    const limits = { connectionsPerUser: 2, connectionsPerAddress: 2 };
    expect(await register([anna(1), anna(1), anna(2)], limits)).toEqual(['admitted', 'admitted', 'admitted']);
    await broker.registry.unregister([1, 1, 9].map((i) => ({ id: `n1.${i}`, reason: 'left' })));
    expect(await broker.registry.count({ address: '1' })).toBe(1);
    expect(await told()).toEqual(['connected n1.1', 'connected n1.2', 'disconnected n1.1 left']);
  });

  it('lets in no more than the limits allow, within one batch and over several', async () => {
    const limits = { connectionsPerUser: 2, connectionsPerAddress: 3 };
    const anna = (i: number) => connection(`n1.${i}`, { user: 'anna', address: 'x' });
    expect(await register([anna(1), anna(2), anna(3)], limits)).toEqual([
      'admitted',
      'admitted',
      'user-limit',
    ]);
    const others = [4, 5].map((i) => connection(`n2.${i}`, { user: `user-${i}`, address: 'x' }));
    expect(await register(others, limits)).toEqual(['admitted', 'address-limit']);
    expect(await register([connection('n2.6', { user: 'anna' })], limits)).toEqual(['user-limit']);
    expect(await register([connection('n2.7')], limits)).toEqual(['admitted']);
    await broker.registry.unregister([{ id: 'n1.1', reason: 'left' }]);
    expect(await register([anna(8)], limits)).toEqual(['admitted']);
    expect(await broker.registry.count({})).toBe(4);
    expect((await told()).filter((line) => line.startsWith('connected'))).toHaveLength(5);
  });

  it('says with a renewal when the first lease of another node runs out, if that is before the next renewal', async () => {
    const renew = async (next: number) =>
      (await broker.registry.renew(node('n2'), LONG, { next, count: false })).runsOut;
    expect(await renew(1_000)).toBeUndefined();
    await broker.registry.renew(node('n3'), 500);
    expect(await renew(1_000)).toBeGreaterThanOrEqual(0);
    expect(await renew(1_000)).toBeLessThanOrEqual(500);
    await until(async () => (await renew(0)) === 0);
    // Its own does not count.
    const own = await broker.registry.renew(node('n3'), 1, { next: 1_000 });
    expect(own).toMatchObject({ isNew: false, runsOut: undefined });
  });

  it('counts the connections of a node with a renewal only where that is asked', async () => {
    await register([connection('n1.1')]);
    expect(await broker.registry.renew(node('n1'), LONG)).toMatchObject({ connections: 1 });
    const uncounted = await broker.registry.renew(node('n1'), LONG, { count: false });
    expect(uncounted.connections).toBeUndefined();
  });

  it('registers nothing for a node without a lease', async () => {
    expect(await register([connection('n3.1')])).toBeUndefined();
    expect(await broker.registry.renew(node('n3'), LONG)).toEqual({ isNew: true, connections: 0 });
    expect(await register([connection('n3.1')])).toEqual(['admitted']);
    expect(await broker.registry.renew(node('n3'), LONG)).toEqual({ isNew: false, connections: 1 });
  });

  it('counts and lists by nothing, user, channel, both, and node, in pages that miss nothing', async () => {
    const all = Array.from({ length: 100 }, (_, i) =>
      connection(`${i % 2 === 0 ? 'n1' : 'n2'}.${i}`, {
        user: i % 5 === 0 ? undefined : `u${i % 4}`,
        channels: [`c${i % 3}`, 'all'],
      }),
    );
    await register(all.filter(({ node }) => node === 'n1'));
    await register(all.filter(({ node }) => node === 'n2'));
    const filters = [
      {},
      { user: 'u1' },
      { channel: 'c2' },
      { channel: 'all', user: 'u3' },
      { node: 'n2' },
      { user: 'nobody' },
      { channel: 'nowhere' },
      { node: 'n' },
    ];
    for (const filter of filters) {
      const { user, channel, node } = filter as { user?: string; channel?: string; node?: string };
      const expected = all
        .filter((one) => user === undefined || one.user === user)
        .filter((one) => channel === undefined || one.channels.includes(channel))
        .filter((one) => node === undefined || one.node === node)
        .map(({ id }) => id);
      expect(await broker.registry.count(filter)).toBe(expected.length);
      const found: string[] = [];
      let after: string | undefined;
      do {
        const page = await broker.registry.list(filter, 7, after);
        expect(page.connections.length).toBeLessThanOrEqual(7);
        found.push(...page.connections.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(found.toSorted()).toEqual(expected.toSorted());
    }
    await expect(broker.registry.count({ user: 'u1', node: 'n1' })).rejects.toThrow(InvalidArgumentError);
    await expect(broker.registry.list({ channel: 'all', node: 'n1' }, 7, undefined)).rejects.toThrow(
      InvalidArgumentError,
    );
    await expect(broker.registry.list({ address: 'x' }, 7, undefined)).rejects.toThrow(InvalidArgumentError);
  });

  it('gives those who stay exactly once while others come and go between the pages', async () => {
    const users = ['z', '\uffff', '🙂', 'a', undefined];
    const stay = Array.from({ length: 1_000 }, (_, i) => connection(`n1.${i}`, { user: users[i % 5]! }));
    await register(stay);
    const found: string[] = [];
    let after: string | undefined;
    for (let page = 0; page === 0 || after !== undefined; page++) {
      const { connections, next } = await broker.registry.list({ channel: 'news' }, 7, after);
      found.push(...connections.map(({ id }) => id));
      after = next;
      await register([connection(`n2.${page}`, { user: users[page % 5]! })]);
      // The last of the page, from which the next begins, may be one of those who go.
      const guests = connections.filter(({ node }) => node === 'n2').map(({ id }) => id);
      await broker.registry.unregister(guests.map((id) => ({ id, reason: 'left' })));
    }
    const ids = found.filter((id) => id.startsWith('n1.'));
    expect(ids).toHaveLength(1_000);
    expect(new Set(ids)).toEqual(new Set(stay.map(({ id }) => id)));
    // By user, in the order of their bytes.
    const order = [undefined, 'a', 'z', '\uffff', '🙂'];
    expect(ids.map((id) => order.indexOf(users[Number(id.slice(3)) % 5]))).toEqual(
      order.flatMap((_, i) => Array.from({ length: 200 }, () => i)),
    );
  });

  it('takes no cursor of another filter, which would show the connections of others, nor one that is none', async () => {
    await register(['anna', 'bert', 'zoe'].map((user, i) => connection(`n1.${i}`, { user })));
    const { next } = await broker.registry.list({ channel: 'news' }, 1, undefined);
    for (const filter of [{ channel: 'news', user: 'zoe' }, { node: 'n2' }]) {
      await expect(broker.registry.list(filter, 10, next)).rejects.toThrow(InvalidArgumentError);
    }
    for (const wrong of ['', '!', 'n1.0', `${next}=`]) {
      await expect(broker.registry.list({ channel: 'news', user: 'zoe' }, 10, wrong)).rejects.toThrow(
        'the page before',
      );
      await expect(broker.registry.presence('news', 10, `${wrong}=`)).rejects.toThrow(InvalidArgumentError);
    }
  });

  it('tells who is on a channel, in pages', async () => {
    const users = Array.from({ length: 20 }, (_, i) => `user${String(i).padStart(2, '0')}`);
    await register([
      ...users.flatMap((user, i) =>
        Array.from({ length: 1 + (i % 3) }, (_, j) => connection(`n1.${i}x${j}`, { user })),
      ),
      connection('n1.a'),
      connection('n1.b'),
      connection('n1.c', { user: 'elsewhere', channels: ['sport'] }),
    ]);
    const found: { user: string; connections: number }[] = [];
    let after: string | undefined;
    do {
      const page = await broker.registry.presence('news', 6, after);
      expect(page).toMatchObject({ connections: 39 + 2, anonymous: 2 });
      found.push(...page.users);
      after = page.next;
    } while (after !== undefined);
    expect(found).toEqual(users.map((user, i) => ({ user, connections: 1 + (i % 3) })));
    expect(await broker.registry.presence('nowhere', 6, undefined)).toEqual({
      connections: 0,
      anonymous: 0,
      users: [],
      next: undefined,
    });
  });

  it('changes the channels of a connection', async () => {
    const before = connection('n1.1', { user: 'anna', channels: ['a', 'b'] });
    await register([before]);
    const after = { ...before, channels: ['b', 'c'] };
    expect(await broker.registry.update(after)).toBe(true);
    expect((await broker.registry.get('n1.1'))!.channels).toEqual(['b', 'c']);
    const counts = await Promise.all(['a', 'b', 'c'].map((channel) => broker.registry.count({ channel })));
    expect(counts).toEqual([0, 1, 1]);
    expect((await changes()).slice(1)).toMatchObject([
      { type: 'subscribed', channels: ['c'], connection: { channels: ['b', 'c'] } },
      { type: 'unsubscribed', channels: ['a'] },
    ]);
    // Sent again, as when the answer was lost.
    await broker.registry.update(after);
    expect(await changes()).toHaveLength(3);
    expect(await broker.registry.update(connection('n1.9', { channels: ['x'] }))).toBe(false);
    expect(await broker.registry.count({ channel: 'x' })).toBe(0);
    await broker.registry.unregister([{ id: 'n1.1', reason: 'left' }]);
    expect(await broker.registry.count({ channel: 'c' })).toBe(0);
  });

  describe('of a node whose lease has run out', () => {
    beforeEach(async () => {
      await register(
        Array.from({ length: 25 }, (_, i) => connection(`n1.${i}`, { user: `u${i % 5}`, address: 'x' })),
      );
      await register([connection('n2.1', { user: 'u1' })]);
      await broker.registry.renew(node('n1'), 1);
      await until(async () => (await broker.registry.nodes()).every(({ id }) => id !== 'n1'));
    });

    const departures = async () => (await told()).filter((line) => line.startsWith('disconnected'));

    it('removes what is left, in pieces, and announces each departure once, whoever sweeps', async () => {
      let removed = 0;
      for (let i = 0; ; i++) {
        // Two at once; one of them may find the lock taken.
        const pieces = await Promise.all([
          broker.registry.sweep('n2', 1_000, 10),
          broker.registry.sweep('n2', 1_000, 10),
        ]);
        for (const piece of pieces) removed += piece.removed;
        if (pieces.every(({ more }) => !more)) break;
        expect(i).toBeLessThan(5);
      }
      expect(removed).toBe(25);
      expect(await broker.registry.count({})).toBe(1);
      expect(await broker.registry.count({ channel: 'news' })).toBe(1);
      expect(await broker.registry.count({ user: 'u1' })).toBe(1);
      expect(await broker.registry.count({ user: 'u2' })).toBe(0);
      expect(await broker.registry.count({ address: 'x' })).toBe(0);
      const lines = await departures();
      expect(new Set(lines)).toEqual(
        new Set(Array.from({ length: 25 }, (_, i) => `disconnected n1.${i} node-lost`)),
      );
      expect(lines).toHaveLength(25);
      expect((await broker.registry.nodes()).map(({ id }) => id)).toEqual(['n2']);
    });

    it('goes on where a sweeper has died half way', async () => {
      expect(await broker.registry.sweep('n2', 30, 10)).toEqual({
        node: 'n1',
        removed: 10,
        runs: [],
        more: true,
        locked: false,
      });
      // n2 is not heard of again. Its lock goes by itself.
      await broker.registry.renew(node('n3'), LONG);
      await until(async () => (await broker.registry.sweep('n3', 30, 10)).removed === 10);
      await until(async () => !(await broker.registry.sweep('n3', 30, 10)).more);
      expect(await departures()).toHaveLength(25);
      expect(await broker.registry.count({ node: 'n1' })).toBe(0);
    });

    it('leaves alone one that comes back, which registers anew, also in the midst of it', async () => {
      await broker.registry.sweep('n2', 1_000, 10);
      expect(await register([connection('n1.99')])).toBeUndefined();
      expect(await broker.registry.renew(node('n1'), LONG)).toEqual({ isNew: true, connections: 15 });
      expect((await broker.registry.sweep('n2', 1_000, 10)).removed).toBe(0);
      await register(
        Array.from({ length: 25 }, (_, i) => connection(`n1.${i}`, { user: `u${i % 5}`, address: 'x' })),
      );
      expect(await broker.registry.count({ node: 'n1' })).toBe(25);
      expect(await broker.registry.count({ address: 'x' })).toBe(25);
      expect(await departures()).toHaveLength(10);
      expect((await told()).filter((line) => line.startsWith('connected n1'))).toHaveLength(35);
    });

    it('is left alone by one whose own lease has run out, until that one renews it', async () => {
      await broker.registry.renew(node('n2'), 1);
      await until(async () => (await broker.registry.nodes()).length === 0);
      const nothing = { node: undefined, removed: 0, runs: [], more: false, locked: false };
      expect(await broker.registry.sweep('n2', 1_000, 10)).toEqual(nothing);
      await broker.registry.renew(node('n2'), LONG);
      expect(await broker.registry.sweep('n2', 1_000, 10)).toMatchObject({ node: 'n1', removed: 10 });
    });

    it('leaves alone one that renews in time, and the one that sweeps', async () => {
      expect((await broker.registry.sweep('n1', 1_000, 10)).removed).toBe(0);
      expect(await broker.registry.renew(node('n1'), LONG)).toEqual({ isNew: false, connections: 25 });
      expect((await broker.registry.sweep('n2', 1_000, 10)).removed).toBe(0);
    });
  });

  it('takes out a node that leaves, in pieces, with its reason', async () => {
    await register(Array.from({ length: 12 }, (_, i) => connection(`n1.${i}`)));
    expect(await broker.registry.leave('n1', 'shutdown', 10)).toEqual({
      node: 'n1',
      removed: 10,
      runs: [],
      more: true,
      locked: false,
    });
    expect(await broker.registry.leave('n1', 'shutdown', 10)).toMatchObject({ removed: 2, more: false });
    expect((await broker.registry.nodes()).map(({ id }) => id)).toEqual(['n2']);
    expect((await told()).slice(12)).toEqual(expect.arrayContaining(['disconnected n1.11 shutdown']));
  });

  it('leaves the departures of one that leaves to itself, also between its pieces', async () => {
    await register(Array.from({ length: 25 }, (_, i) => connection(`n1.${i}`)));
    await broker.registry.leave('n1', 'shutdown', 10);
    expect(await broker.registry.sweep('n2', 1_000, 10)).toMatchObject({ node: undefined, removed: 0 });
    for (let more = true; more;) ({ more } = await broker.registry.leave('n1', 'shutdown', 10));
    expect((await told()).filter((line) => line.endsWith('shutdown'))).toHaveLength(25);
    expect(await register([connection('n1.1')])).toBeUndefined();
  });

  it('tells that nobody hears a message for a node that is none', async () => {
    expect(await broker.send('nobody', 'x')).toBe(0);
  });
});
