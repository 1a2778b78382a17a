import { forEachAdapter, until, useRedis } from '@nestjs-sse-redis/testing';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { Rooms, type RoomsNode } from '../http/rooms.app.js';

const NAMESPACE = process.env['VANISHED_NAMESPACE']!;
const DEVICE = process.env['VANISHED_DEVICE']!;
const HOST = '10.99.0.1';
/** The product's defaults in place of the short times of other tests. */
const DEFAULTS = { heartbeatInterval: 20_000, stallTimeout: 60_000, retry: 2_000 };
const CLIENT = `
  const [url, user] = process.argv.slice(1);
  require('node:http').get(url, { headers: { 'x-user': user } }, (response) =>
    response.on('data', (data) => process.stdout.write(data)).on('error', () => {}),
  ).on('error', () => {});
`;

const redis = useRedis();

forEachAdapter((adapter) => {
  let rooms: Rooms;
  const servers: Server[] = [];
  const clients: ChildProcess[] = [];

  beforeEach(() => setLink('up'));
  afterEach(async () => {
    for (const client of clients.splice(0)) client.kill('SIGKILL');
    for (const server of servers.splice(0)) server.close();
    setLink('up');
    await rooms.stop();
  });

  /** Lets clients of the other namespace in. @returns the address */
  async function expose(node: RoomsNode): Promise<string> {
    const http = node.running.app.getHttpServer() as Server;
    const server = createServer((socket) => http.emit('connection', socket));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    return `http://${HOST}:${(server.address() as { port: number }).port}`;
  }

  async function arrive(node: RoomsNode, url: string, channel: string, user: string): Promise<void> {
    const args = ['netns', 'exec', NAMESPACE, process.execPath, '-e', CLIENT];
    clients.push(spawn('ip', [...args, `${url}/rooms?channels=${channel}`, user], { stdio: 'ignore' }));
    await until(() => node.registry.isOnline(user));
  }

  it('reports vanished clients offline within 60 seconds, on a quiet stream and on one with an event a second', async () => {
    rooms = await Rooms.start(adapter, redis, DEFAULTS, 1);
    const [node] = rooms.nodes as [RoomsNode];
    const url = await expose(node);
    await arrive(node, url, 'quiet', 'quiet');
    await arrive(node, url, 'busy', 'busy');
    const timer = setInterval(() => void node.hub.publish('busy', { data: 'x' }), 1_000);
    await rooms.client(node, 'quiet', { user: 'local' });
    setLink('down');
    const began = performance.now();
    const gone = async (user: string): Promise<number> => {
      await until(async () => !(await node.registry.isOnline(user)), { timeout: 90_000, interval: 100 });
      return performance.now() - began;
    };
    const [quiet, busy] = await Promise.all([gone('quiet'), gone('busy')]);
    clearInterval(timer);
    process.stdout.write(`\n${adapter}: quiet ${Math.round(quiet)} ms, busy ${Math.round(busy)} ms\n`);
    expect(quiet).toBeLessThan(60_000);
    expect(busy).toBeLessThan(60_000);
    expect(node.hub.stats().closes).toEqual({ vanished: 2 });
    // A client that is there is not concerned.
    expect(await node.registry.isOnline('local')).toBe(true);
  });

  it('lets a vanished user in again within 5 seconds, who is allowed one connection and comes over another network', async () => {
    rooms = await Rooms.start(adapter, redis, { ...DEFAULTS, limits: { connectionsPerUser: 1 } });
    const [one, two] = rooms.nodes as [RoomsNode, RoomsNode];
    await arrive(one, await expose(one), 'news', 'anna');
    setLink('down');
    const began = performance.now();
    await rooms.client(two, 'news', { user: 'anna' });
    process.stdout.write(`\n${adapter}: in again after ${Math.round(performance.now() - began)} ms\n`);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(one.hub.stats().closes).toEqual({ vanished: 1 });
    expect(await two.registry.count({ user: 'anna' })).toBe(1);
  });
});

function setLink(state: 'up' | 'down'): void {
  execFileSync('ip', ['-n', NAMESPACE, 'link', 'set', DEVICE, state]);
}
