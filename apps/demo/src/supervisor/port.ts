import { once } from 'node:events';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';

/** The cluster bus of a Redis listens so far above its port. */
const BUS_OFFSET = 10_000;

/** The ports below 32768, from where on Linux takes ports for outgoing connections and for who listens on any. */
const FIRST = 15_000;
const END = 32_000;
const ATTEMPTS = 100;
/** The second one is what Windows says of ports that it keeps. */
const TAKEN = new Set<string | undefined>(['EADDRINUSE', 'EACCES']);

/** A port of this host that nobody listens on, nor takes by chance until it is listened on. */
export async function freePort(host: string): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomPort(END);
    if (await claim(host, port)) return port;
  }
  throw new Error(`There is no free port between ${FIRST} and ${END}.`);
}

/** Ports for nodes of a Redis Cluster. Those of the bus are free too. */
export async function freeClusterPorts(host: string, count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count && attempt < ATTEMPTS + count; attempt++) {
    const port = randomPort(END - BUS_OFFSET);
    if ((await claim(host, port)) && (await claim(host, port + BUS_OFFSET))) ports.add(port);
  }
  if (ports.size === count) return [...ports];
  throw new Error(`There are no ${count} free ports for a Redis Cluster between ${FIRST} and ${END}.`);
}

/** @returns the port @throws Error with the code `EADDRINUSE` where somebody listens on it */
export async function checkFree(host: string, port: number): Promise<number> {
  const probe = createServer().listen(port, host);
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * Takes the UDP port of the same number for as long as this process lives. Who looks for ports in this way gets another one, such as
 * the tests of this repository, whose servers are down for a while.
 */
async function claim(host: string, port: number): Promise<boolean> {
  const held = createSocket('udp4').unref();
  try {
    held.bind(port, '127.0.0.1');
    await once(held, 'listening');
    await checkFree(host, port);
    return true;
  } catch (error) {
    held.close();
    if (TAKEN.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

function randomPort(end: number): number {
  return FIRST + Math.floor(Math.random() * (end - FIRST));
}
