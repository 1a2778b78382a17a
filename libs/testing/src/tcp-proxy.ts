import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { freePort } from './free-port.js';
import { ProxyConnection, type Faults, type Transform } from './proxy-connection.js';

export interface TcpProxyOptions {
  /** Port of the server behind it, on the loopback interface. */
  target: number;
  /** Default: a free one. */
  port?: number;
}

/** Stands between a client and its server (mostly Redis), and does to their connections what networks do. */
export class TcpProxy {
  readonly #connections = new Set<ProxyConnection>();
  readonly #faults: Faults = { blackhole: false, delay: 0, transform: undefined };
  #server: Server | undefined;

  static async start({ target, port }: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, port ?? (await freePort()));
    await proxy.refuse(false);
    return proxy;
  }

  private constructor(
    /** Port to which new connections go, as behind a balancer; those that are open stay where they are. */
    public target: number,
    readonly port: number,
  ) {}

  /** The open ones, oldest first: faults can be put on a single connection too. */
  get connections(): ProxyConnection[] {
    return [...this.#connections];
  }

  /** Breaks every connection. New ones are welcome. */
  cut(): void {
    for (const connection of this.connections) connection.cut();
  }

  /**
   * Swallows every byte in both directions, closings included, while connections stay open and new ones are accepted.
   * `'existing'`: only on the connections of this moment, so that a client which makes a new one gets through.
   *
   * Switched off, it breaks each connection that missed something. TCP never loses bytes from the middle of a
   * connection; a client that went on with such a one would be tested against what cannot happen.
   */
  blackhole(on: boolean | 'existing'): void {
    this.#faults.blackhole = on === true;
    if (on === 'existing') for (const connection of this.connections) connection.blackhole(true);
    if (on === false) for (const connection of this.connections) connection.blackhole(false);
  }

  /** ECONNREFUSED for new connections; those that are open stay. */
  async refuse(on: boolean): Promise<void> {
    if (on) {
      // The port is free at once; the callback would wait for the open connections.
      this.#server?.close();
      this.#server = undefined;
    } else if (!this.#server) {
      this.#server = await this.#listen();
    }
  }

  /** Every chunk, in both directions, arrives this much later. */
  delay(ms: number): void {
    this.#faults.delay = ms;
  }

  /** Sees every chunk and may change it, or swallow it by returning nothing. Without an argument: off. */
  transform(transform?: Transform): void {
    this.#faults.transform = transform;
  }

  async stop(): Promise<void> {
    await this.refuse(true);
    this.cut();
  }

  async #listen(): Promise<Server> {
    // Half-open on purpose: the end of one side reaches the other through the faults, or not at all.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const connection = new ProxyConnection(client, this.target, this.#faults);
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }
}
