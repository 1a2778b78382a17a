import { TcpProxy, type ProxyConnection } from '@nestjs-sse-redis/testing';

const POSITION = Buffer.from('event: position\ndata:\n');
/** A comment of the same length, which leaves a block with an id alone: the chunks of HTTP keep their sizes. */
const COMMENT = Buffer.from(`:${' '.repeat(POSITION.length - 2)}\n`);

/** The balancer before the application's processes, at the address that clients know. */
export class Balancer {
  /** How often it has taken the event away from a position. */
  stripped = 0;
  /** The newest position that each connection has carried to its client, as ms of its id. */
  private readonly told = new Map<ProxyConnection, number>();

  static async start(target: number, { idOnly }: { idOnly: boolean }): Promise<Balancer> {
    const proxy = await TcpProxy.start({ target });
    const balancer = new Balancer(proxy);
    proxy.transform((direction, chunk, connection) => {
      if (direction === 'toServer') return chunk;
      balancer.note(chunk, connection);
      return idOnly ? balancer.strip(chunk) : chunk;
    });
    return balancer;
  }

  private constructor(private readonly proxy: TcpProxy) {}

  get origin(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  /** How many of the open connections have carried a position since this time, in ms of Redis' clock. */
  countTold(since: number): number {
    return this.proxy.connections.filter((connection) => (this.told.get(connection) ?? -1) >= since).length;
  }

  /** Sends new connections to the process on this port. */
  switchTo(port: number): void {
    this.proxy.target = port;
  }

  cut(): void {
    this.proxy.cut();
  }

  stop(): Promise<void> {
    return this.proxy.stop();
  }

  private note(chunk: Buffer, connection: ProxyConnection): void {
    for (const [, ms] of chunk.toString('latin1').matchAll(/^id: (?:\S+~)?(\d+)-\d+$/gm)) {
      this.told.set(connection, Number(ms));
    }
  }

  /** The negative control: a server that tells positions by blocks of an id alone, as earlier versions did. */
  private strip(chunk: Buffer): Buffer {
    for (let at = chunk.indexOf(POSITION); at !== -1; at = chunk.indexOf(POSITION, at)) {
      COMMENT.copy(chunk, at);
      this.stripped++;
    }
    return chunk;
  }
}
