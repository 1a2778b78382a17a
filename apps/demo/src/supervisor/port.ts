import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** The cluster bus of a Redis listens so far above its port. */
const BUS_OFFSET = 10_000;

/** A port of this host that nobody listens on: the wanted one, or any. Rejects with `EADDRINUSE` if it is taken. */
export async function freePort(host: string, wanted = 0): Promise<number> {
  const probe = createServer().listen(wanted, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * Ports for nodes of a Redis Cluster. Those of the bus are free too, and all are below 32768, from where on Linux takes ports
 * for outgoing connections.
 */
export async function freeClusterPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count && attempt < 100 + count; attempt++) {
    const port = 15_000 + Math.floor(Math.random() * 7_000);
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) ports.add(port);
  }
  if (ports.size === count) return [...ports];
  throw new Error(`There are no ${count} free ports for a Redis Cluster between 15000 and 32000.`);
}

function isFree(port: number): Promise<boolean> {
  return freePort('127.0.0.1', port).then(
    () => true,
    () => false,
  );
}
