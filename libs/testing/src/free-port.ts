import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * A free loopback port below the range from which systems take ports for outgoing connections (32768 and up on Linux).
 * A server that goes away and comes back on such a port still finds it free. A client that knocks meanwhile cannot be
 * connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (await claim(port)) return port;
  }
  throw new Error('no free loopback port between 15000 and 32000 in 100 attempts');
}

/**
 * Ports for the nodes of a cluster. The cluster bus listens 10,000 above, on a port that is free and below that range
 * too; Redis 6.2 knows no other place for it.
 */
export async function freeClusterPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count && attempt < 100 + count; attempt++) {
    const port = 15_000 + Math.floor(Math.random() * 7_000);
    if ((await claim(port)) && (await claim(port + 10_000))) ports.add(port);
  }
  if (ports.size < count)
    throw new Error(`no ${count} free loopback ports for a cluster between 15000 and 32000`);
  return [...ports];
}

/**
 * Takes the UDP port of the same number for as long as this process lives: so no other test gets the port, in no process, while
 * its server is down. A killed node of a cluster found its bus port taken ("Address already in use").
 */
async function claim(port: number): Promise<boolean> {
  const held = createSocket('udp4').unref();
  const isOurs = await new Promise<boolean>((resolve) => {
    held.once('error', () => resolve(false));
    held.bind(port, '127.0.0.1', () => resolve(true));
  });
  if (isOurs && (await isFree(port))) return true;
  held.close();
  return false;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
