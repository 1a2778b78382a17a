import { createServer } from 'node:net';

/**
 * A free loopback port below the range from which systems take ports for outgoing connections (32768 and up on Linux).
 * A server that goes away and comes back on such a port still finds it free, and a client that knocks meanwhile cannot
 * be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no free loopback port between 15000 and 32000 in 100 attempts');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
