import { forEachAdapter, until, useRedis } from '@nestjs-sse-redis/testing';
import { NodeUnreachableError, type AuthorizeFunction } from 'nestjs-sse-redis';
import { dataOf, Rooms, type RoomsNode } from './rooms.app.js';

const redis = useRedis();

forEachAdapter((adapter) => {
  let rooms: Rooms;
  let rights: Set<string>;
  let asked: string[];
  let failing: boolean;
  afterEach(() => rooms.stop());

  const authorize: AuthorizeFunction = async (client, channel) => {
    asked.push(`${client.user} ${channel}`);
    await Promise.resolve();
    if (failing) throw new Error('the database is away');
    return rights.has(`${client.user} ${channel}`);
  };

  async function start(options: Parameters<typeof Rooms.start>[2] = {}): Promise<[RoomsNode, RoomsNode]> {
    rights = new Set(['anna a', 'anna b', 'ben b']);
    asked = [];
    failing = false;
    rooms = await Rooms.start(adapter, redis, { authorize, ...options });
    return rooms.nodes as [RoomsNode, RoomsNode];
  }

  it('asks for each channel, and refuses those that the client may not be on, in the stream', async () => {
    const [one, two] = await start();
    const { stream, id } = await rooms.client(one, 'a,b', { user: 'ben' });
    await stream.waitFor(1);
    expect(dataOf(stream, 'error')).toEqual([{ code: 'FORBIDDEN_CHANNEL', channel: 'a' }]);
    await two.hub.publish('a', { data: 'secret' });
    await two.hub.publish('b', { data: 'public' });
    await stream.waitFor(2);
    expect(dataOf(stream)).toEqual(['public']);
    expect((await two.registry.get(id))?.channels).toEqual(['b']);
    expect(new Set(asked)).toEqual(new Set(['ben a', 'ben b']));
  });

  it('ends a stream of which nothing is left, and its client stays away', async () => {
    const [one] = await start();
    const stream = rooms.stream(one, 'a', { user: 'ben' });
    expect(await stream.ended).toBe('end');
    expect(stream.status).toBe(200);
    expect(dataOf(stream, 'error')).toEqual([{ code: 'FORBIDDEN_CHANNEL', channels: ['a'] }]);
    const back = rooms.stream(one, 'a', { user: 'ben', lastEventId: stream.lastEventId });
    await until(() => back.status === 204);
    expect(one.hub.stats().refusals).toEqual({ FORBIDDEN_CHANNEL: 1 });
  });

  it('ends the connection over one channel, where that is set', async () => {
    const [one] = await start({ authorization: { onRefusal: 'connection' } });
    const stream = rooms.stream(one, 'a,b', { user: 'ben' });
    expect(await stream.ended).toBe('end');
    expect(dataOf(stream, 'error')).toEqual([{ code: 'FORBIDDEN_CHANNEL', channels: ['a'] }]);
  });

  it('asks at a later subscription, too', async () => {
    const [one, two] = await start();
    const { id } = await rooms.client(one, 'b', { user: 'ben' });
    expect(await two.hub.subscribe(id, ['a'])).toEqual({ connections: 1, refused: ['a'], unanswered: [] });
    expect((await two.registry.get(id))?.channels).toEqual(['b']);
  });

  it('closes a stream for now when it cannot be asked', async () => {
    const [one] = await start();
    failing = true;
    const stream = rooms.stream(one, 'a', { user: 'anna' });
    expect(await stream.ended).toBe('end');
    expect(dataOf(stream, 'error')).toEqual([{ code: 'AUTHORIZATION_FAILED' }]);
    expect(stream.retry).toBeGreaterThan(0);
    expect(stream.lastEventId).not.toBe('dismissed');
  });

  it('rejects reauthorize where a process cannot do it, as one of another version', async () => {
    const [one, two] = await start({});
    const { nodeRpc } = two.hub['node'] as unknown as { nodeRpc: { execute: unknown } };
    nodeRpc.execute = () =>
      Promise.resolve({ connections: 0, refused: [], error: { code: 'INTERNAL_ERROR', message: 'unknown' } });
    const failure = await one.hub.reauthorize({ user: 'anna' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NodeUnreachableError);
    expect(failure).toMatchObject({ code: 'NODE_UNREACHABLE', nodes: [two.hub.nodeId] });
  });

  it('once revoked, no event is delivered that is published after reauthorize resolved, nor replayed', async () => {
    const [one, two] = await start();
    const { stream } = await rooms.client(one, 'a,b', { user: 'anna' });
    const other = await rooms.client(two, 'a,b', { user: 'anna' });
    await two.hub.publish('a', { data: 1 });
    await stream.waitFor(1);
    rights.delete('anna a');
    await two.hub.reauthorize({ user: 'anna' });
    await two.hub.publish('a', { data: 2 });
    await two.hub.publish('b', { data: 3 });
    for (const client of [stream, other.stream]) {
      await client.waitFor((message) => message.data === '3');
      expect(dataOf(client)).toEqual([1, 3]);
      expect(dataOf(client, 'error')).toEqual([{ code: 'FORBIDDEN_CHANNEL', channel: 'a' }]);
    }
    const back = await rooms.client(two, 'a,b', { user: 'anna', lastEventId: stream.messages[0]!.id });
    await back.stream.waitFor((message) => message.data === '3');
    expect(dataOf(back.stream)).toEqual([3]);
  });

  it('asks again on its own, after a while', async () => {
    const [one, two] = await start({ authorization: { interval: 300 }, heartbeatInterval: 100 });
    const { stream } = await rooms.client(one, 'a,b', { user: 'anna' });
    rights.delete('anna a');
    await stream.waitFor((message) => message.type === 'error');
    await two.hub.publish('a', { data: 1 });
    await two.hub.publish('b', { data: 2 });
    await stream.waitFor((message) => message.data === '2');
    expect(dataOf(stream)).toEqual([2]);
  });

  it('asks again before anything is delivered when a process may not have heard of a revocation', async () => {
    const [one, two] = await start();
    const { stream } = await rooms.client(one, 'a,b', { user: 'anna' });
    rights.delete('anna a');
    // All subscriptions are cut: the revocation and the events come before they are back.
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(() => !one.hub.stats().linkUp);
    await two.hub.publish('a', { data: 1 });
    await two.hub.publish('b', { data: 2 });
    await stream.waitFor((message) => message.data === '2');
    expect(dataOf(stream)).toEqual([2]);
    expect(dataOf(stream, 'error')).toEqual([{ code: 'FORBIDDEN_CHANNEL', channel: 'a' }]);
  });

  it('takes rules by pattern in the place of a function', async () => {
    rooms = await Rooms.start(adapter, redis, {
      authorize: {
        news: true,
        'room:{room}': 'user',
        'user:{user}': true,
        'order:{id}': (client, { id }) => id === client.user,
      },
    });
    const [one] = rooms.nodes as [RoomsNode];
    const wanted = 'news,room:1,user:anna,user:ben,order:anna,order:ben,else';
    const anna = await rooms.client(one, wanted, { user: 'anna' });
    const nobody = await rooms.client(one, wanted);
    expect((await one.registry.get(anna.id))?.channels).toEqual([
      'news',
      'room:1',
      'user:anna',
      'order:anna',
    ]);
    expect((await one.registry.get(nobody.id))?.channels).toEqual(['news']);
  });

  it('ends a stream when what let its client in runs out', async () => {
    const [one] = await start({ authorize: undefined });
    // Not looked up in the registry: on a busy machine it may have run out before.
    const stream = rooms.stream(one, 'a', { query: { expires: '300' } });
    expect(await stream.ended).toBe('end');
    expect(dataOf(stream, 'error')).toEqual([{ code: 'EXPIRED' }]);
    expect(stream.retry).toBeGreaterThan(0);
  });

  it('ends old streams, so that they spread anew', async () => {
    const [one] = await start({ authorize: undefined, maxConnectionAge: 400 });
    const stream = rooms.stream(one, 'a');
    expect(await stream.ended).toBe('end');
    expect(dataOf(stream, 'error')).toEqual([]);
    await until(() => one.hub.stats().closes['max-age'] === 1);
  });

  describe('a browser that changes its own channels', () => {
    async function post(node: RoomsNode, id: string, body: object) {
      const response = await fetch(`${node.running.url}/sse/connections/${id}/channels`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return {
        status: response.status,
        body: (await response.json()) as { refused?: string[]; position?: string; message?: string },
      };
    }

    it('does so at any process, by the secret that its stream told it', async () => {
      const [one, two] = await start();
      const { stream, id } = await rooms.client(one, 'b', { user: 'anna', query: { control: '' } });
      await stream.waitFor(1);
      const [control] = dataOf(stream, 'control') as [{ connection: string; secret: string }];
      expect(control).toEqual({
        connection: id,
        secret: expect.stringMatching(/^[\w-]{24}$/),
        channels: ['b'],
        heartbeat: 500,
      });
      const { secret } = control;
      expect(await post(two, id, { secret, subscribe: ['a', 'c'], unsubscribe: ['b'] })).toEqual({
        status: 200,
        body: { refused: ['c'], position: expect.stringMatching(/^\d+-\d+$/) },
      });
      await two.hub.publish('b', { data: 'b' });
      await two.hub.publish('a', { data: 'a' });
      await stream.waitFor(2);
      expect(dataOf(stream)).toEqual(['a']);
      expect(await post(two, id, { secret: `${secret}x`, subscribe: ['b'] })).toMatchObject({ status: 404 });
      expect(await post(two, 'nobody.1', { secret, subscribe: ['b'] })).toMatchObject({ status: 404 });
      expect(await post(two, id, { subscribe: ['b'] })).toMatchObject({ status: 400 });
      expect(await post(two, id, { secret })).toMatchObject({ status: 400 });
      expect(await post(two, id, { secret, subscribe: 'b' })).toMatchObject({ status: 400 });
      expect(await post(two, id, { secret, subscribe: ['\n'] })).toMatchObject({ status: 400 });
      for (const after of ['x', 5, null, ['1-0'], { b: 'x' }, { b: null }])
        expect([after, await post(two, id, { secret, subscribe: ['b'], after })]).toMatchObject([
          after,
          { status: 400 },
        ]);
    });

    it('begins each channel after an id of its own, and one that has none at now', async () => {
      // A probe between the events and the question would move the position on.
      const [one, two] = await start({ authorize: () => true, probeInterval: 600_000 });
      const { stream, id } = await rooms.client(one, 'z', { query: { control: '' } });
      await stream.waitFor(1);
      const [{ secret }] = dataOf(stream, 'control') as [{ secret: string }];
      const ids: string[] = [];
      for (const channel of ['a', 'b', 'c', 'a', 'b', 'c'])
        ids.push((await two.hub.publish(channel, { data: `${channel}${ids.length}` })).id);
      const after = { a: ids[0], b: ids[4], constructor: 'none' };
      const subscribe = ['a', 'b', 'c'];
      const { body } = await post(two, id, { secret, subscribe, after });
      expect(body.refused).toEqual([]);
      // Nothing of the channel that begins at now lies before the position of the answer, and all that follows comes.
      expect(body.position).toBe(ids[5]);
      for (const channel of subscribe) await two.hub.publish(channel, { data: `${channel}-new` });
      await until(() => dataOf(stream).length >= 4);
      expect((dataOf(stream) as string[]).sort()).toEqual(['a-new', 'a3', 'b-new', 'c-new']);
    });

    it('may not where no authorize says what it may', async () => {
      const [one] = await start({ authorize: undefined });
      const { stream, id } = await rooms.client(one, 'b', { query: { control: '' } });
      await stream.waitFor(1);
      const [{ secret }] = dataOf(stream, 'control') as [{ secret: string }];
      expect(await post(one, id, { secret, subscribe: ['a'] })).toMatchObject({ status: 403 });
    });

    it('has no secret where it was not asked for', async () => {
      const [one, two] = await start();
      const { stream, id } = await rooms.client(one, 'b', { user: 'anna' });
      await two.hub.publish('b', { data: 1 });
      await stream.waitFor(1);
      expect(dataOf(stream, 'control')).toEqual([]);
      expect(await post(two, id, { secret: '', subscribe: ['a'] })).toMatchObject({ status: 404 });
    });
  });
});
