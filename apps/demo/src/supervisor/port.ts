import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A port of this host that nobody listens on: the wanted one, or any. Rejects with `EADDRINUSE` if it is taken. */
export async function freePort(host: string, wanted = 0): Promise<number> {
  const probe = createServer().listen(wanted, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
