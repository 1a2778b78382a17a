import { AbstractConnector, type RedisOptions } from 'ioredis';
import { createConnection, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SlotFinder } from './slot-finder.js';
import type { SlotOwner } from './slot-table.js';

/** How many ms a closing connection may take, where nothing else is set; the default of ioredis. */
const DISCONNECT_TIMEOUT_MS = 2_000;

/**
 * The class for the option `Connector` of ioredis: each connection, the first one and each that follows, leads to the master
 * that has the slot by then.
 *
 * @param connecting called with the node of each new connection
 */
export function slotConnector(
  finder: SlotFinder,
  connecting: (owner: SlotOwner) => void,
): new (options: unknown) => AbstractConnector {
  return class extends AbstractConnector {
    private readonly options: RedisOptions;

    constructor(options: unknown) {
      const settings = options as RedisOptions;
      super(settings.disconnectTimeout ?? DISCONNECT_TIMEOUT_MS);
      this.options = settings;
    }

    /** ioredis tells what its ready check found: a node that has become a replica is left at once. */
    override check(info: { role?: string } | undefined): boolean {
      return info?.role === undefined || info.role === 'master';
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      try {
        const owner = await finder.find(this.options);
        // In the words of ioredis, which has given up meanwhile.
        if (!this.connecting) throw new Error('Connection is closed.');
        const stream = open(owner, this.options);
        stream.once('error', (error) => (this.firstError = error));
        this.stream = stream;
        connecting(owner);
        return stream;
      } catch (error) {
        // Where `connect` rejects, ioredis ends the connection for good. After a socket that is closed it tries again,
        // unless it is closed itself. A port that a natMap got wrong is such an error too.
        // What fails because of that is nobody's concern.
        this.firstError = this.connecting ? (error as Error) : undefined;
        return new Socket().destroy();
      }
    }
  };
}

function open({ host, port }: SlotOwner, { tls, family }: RedisOptions): Socket {
  const address = { host, port, ...(family && { family }) };
  return tls ? connectTls({ ...address, ...tls }) : createConnection(address);
}
