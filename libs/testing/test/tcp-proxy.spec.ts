import { RedisServer, TcpProxy, until } from '@nestjs-sse-redis/testing';
import type { Redis } from 'ioredis';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Echoes what it gets, and ends when the client does. */
let server: Server;
let served: Socket[];
let proxy: TcpProxy;
let clients: Socket[];

beforeEach(async () => {
  served = [];
  clients = [];
  server = createServer((socket) => {
    served.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  proxy = await TcpProxy.start({ target: (server.address() as { port: number }).port });
});

afterEach(async () => {
  for (const socket of [...clients, ...served]) socket.destroy();
  await proxy.stop();
  server.close();
});

interface Talk {
  socket: Socket;
  heard: string;
  closed: boolean;
}

async function talk(): Promise<Talk> {
  const socket = connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  const one: Talk = { socket, heard: '', closed: false };
  socket.on('data', (chunk) => (one.heard += chunk.toString()));
  socket.on('error', () => {});
  socket.on('close', () => (one.closed = true));
  await once(socket, 'connect');
  return one;
}

async function echo(one: Talk, text: string): Promise<void> {
  one.socket.write(text);
  await until(() => one.heard.endsWith(text));
}

function hearsNothing(one: Talk): Promise<void> {
  const before = one.heard;
  return expect(until(() => one.heard !== before || one.closed, { timeout: 60 })).rejects.toThrow();
}

describe('TcpProxy', () => {
  it('sends new connections to another target and leaves the open ones where they are', async () => {
    const other = createServer((socket) => {
      served.push(socket);
      socket.on('error', () => {});
      socket.end('other');
    });
    await once(other.listen(0, '127.0.0.1'), 'listening');
    try {
      const before = await talk();
      await echo(before, 'one');
      proxy.target = (other.address() as { port: number }).port;
      const after = await talk();
      await until(() => after.heard === 'other');
      await echo(before, 'two');
    } finally {
      other.close();
    }
  });

  it('passes bytes and endings in both directions', async () => {
    const one = await talk();
    await echo(one, 'hello');
    one.socket.end('bye');
    await until(() => one.closed);
    expect(one.heard).toBe('hellobye');
    await until(() => proxy.connections.length === 0);
  });

  it('passes much, in order, to one who reads late', async () => {
    const one = await talk();
    one.socket.pause();
    const block = Buffer.alloc(1 << 20, 'abcdefgh');
    for (let i = 0; i < 8; i++) one.socket.write(block);
    one.socket.end();
    one.socket.resume();
    await until(() => one.closed);
    expect(one.heard.length).toBe(8 << 20);
    expect(one.heard === block.toString().repeat(8)).toBe(true);
  });

  it('passes on that the server has gone, and that there is none', async () => {
    const one = await talk();
    await echo(one, 'x');
    served[0]!.destroy();
    await until(() => one.closed);
    server.close();
    const two = await talk();
    await until(() => two.closed);
  });

  it('cut() breaks what is open, and lets new ones in', async () => {
    const [one, two] = [await talk(), await talk()];
    await echo(one, 'x');
    await echo(two, 'y');
    proxy.cut();
    await until(() => one.closed && two.closed);
    await until(() => served.every((socket) => socket.destroyed));
    await echo(await talk(), 'again');
  });

  it('refuse() turns new ones away and leaves the open ones alone', async () => {
    const one = await talk();
    await echo(one, 'x');
    await proxy.refuse(true);
    await expect(talk()).rejects.toThrow('ECONNREFUSED');
    await echo(one, 'still here');
    await proxy.refuse(false);
    await echo(await talk(), 'welcome');
  });

  it('blackhole() swallows bytes and endings while connections stay open', async () => {
    const one = await talk();
    await echo(one, 'x');
    proxy.blackhole(true);
    one.socket.write('into the dark');
    served[0]!.write('out of the dark');
    await hearsNothing(one);
    served[0]!.destroy();
    await hearsNothing(one);
    const two = await talk();
    two.socket.write('hello?');
    await hearsNothing(two);

    proxy.blackhole(false);
    await until(() => one.closed && two.closed); // they have missed something
    await echo(await talk(), 'light');
  });

  it('a connection that missed nothing in the black hole goes on', async () => {
    const one = await talk();
    await echo(one, 'x');
    proxy.blackhole(true);
    proxy.blackhole(false);
    await echo(one, 'as before');
    expect(one.closed).toBe(false);
  });

  it("blackhole('existing') lets new connections through", async () => {
    const one = await talk();
    await echo(one, 'x');
    proxy.blackhole('existing');
    one.socket.write('hello?');
    await hearsNothing(one);
    await echo(await talk(), 'fine');
    expect(one.closed).toBe(false);
  });

  it('delay() makes bytes late and keeps their order, also when it changes', async () => {
    const one = await talk();
    await echo(one, 'x');
    proxy.delay(200);
    const start = performance.now();
    await echo(one, 'slow');
    // There and back. Node's timers count from the time that the event loop last looked at the clock, and end early by that.
    expect(performance.now() - start).toBeGreaterThan(300);
    one.socket.write('first.');
    await until(() => proxy.connections[0]!.head.endsWith('first.'));
    proxy.delay(0);
    one.socket.write('second.');
    await until(() => one.heard.endsWith('first.second.'));
  });

  it('transform() sees, changes and swallows chunks', async () => {
    const seen: string[] = [];
    proxy.transform((direction, chunk) => {
      seen.push(`${direction} ${chunk.toString()}`);
      if (chunk.includes('secret')) return null;
      return direction === 'toClient' ? Buffer.from(chunk.toString().toUpperCase()) : chunk;
    });
    const one = await talk();
    one.socket.write('hello');
    await until(() => one.heard === 'HELLO');
    one.socket.write('secret');
    await hearsNothing(one);
    expect(seen).toEqual(['toServer hello', 'toClient hello', 'toServer secret']);
    proxy.transform();
    await echo(one, 'plain');
  });
});

describe('in front of Redis', () => {
  let redis: RedisServer;
  let behind: TcpProxy;

  function client(): Redis {
    return redis.client({ port: behind.port, retryStrategy: () => 5 });
  }

  beforeEach(async () => {
    redis = await RedisServer.start();
    behind = await TcpProxy.start({ target: redis.port });
  });

  afterEach(async () => {
    await redis.stop();
    await behind.stop();
  });

  it('makes a subscriber deaf whose connection looks well', async () => {
    const [subscriber, publisher] = [client(), client()];
    const heard: string[] = [];
    subscriber.on('message', (_, text) => heard.push(text));
    await subscriber.subscribe('news');
    await publisher.publish('news', 'one');
    await until(() => heard.length === 1);

    const connection = behind.connections.find(({ head }) => /subscribe\r\n/i.test(head));
    connection!.blackhole(true);
    expect(await publisher.publish('news', 'two')).toBe(1);
    await expect(until(() => heard.length === 2, { timeout: 50 })).rejects.toThrow();
    expect(subscriber.status).toBe('ready');

    connection!.cut();
    // ioredis subscribes again; what was published meanwhile is lost, which is why the product catches up.
    await until(async () => (await publisher.publish('news', 'three')) === 1);
    await until(() => heard.at(-1) === 'three');
    expect(heard).toEqual(['one', 'three']);
  });

  it('breaks a client off, which comes back', async () => {
    const one = client();
    await one.set('key', 'value');
    behind.cut();
    await once(one, 'reconnecting');
    expect(await one.get('key')).toBe('value');
  });
});
