import { Logger } from '../../util/logger.js';
import { Redis, type RedisOptions } from 'ioredis';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** How often a Sentinel is asked: `+switch-master` is a message, and messages can be missed. */
const ASK_EVERY_MS = 5_000;
/** A Sentinel that takes longer is passed over: it may hang together with the master of its machine. */
export const SENTINEL_TIMEOUT_MS = 1_000;
/** After so many new connections that all lead elsewhere, addresses do not tell where connections lead: about a minute. */
const MAX_MOVES = 12;
const SENTINEL_PORT = 26_379;
const SWITCHED = '+switch-master';

interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a connection leads to; both are undefined while it is down. */
export interface RemoteAddress {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/**
 * Finds out that the connections lead to another server than the master that Sentinel names.
 *
 * A master that was replaced by SENTINEL FAILOVER goes on as a master for about ten seconds, and answers. The detector
 * of ioredis 6.0 is not used: it heeds the failover of any other master of the same Sentinels. Where it fires while
 * ioredis asks for the master, `connect()` rejects and ioredis ends the connection for good.
 */
export class SentinelWatch {
  private readonly logger = new Logger('SseRedisBroker');
  private readonly listeners: Redis[];
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  /** The Sentinel to ask next. */
  private next = 0;
  /** The greatest epoch heard of: a Sentinel that names an older one has missed a failover. */
  private epoch = 0;
  /** How often in a row connections led elsewhere. */
  private moves = 0;

  /**
   * @param options of the connections, with `sentinels` and `name`
   * @param connections the streams that should lead to the master
   * @param moved called with the address of the master where a stream leads elsewhere
   */
  constructor(
    private readonly options: RedisOptions,
    private readonly connections: () => readonly (RemoteAddress | undefined)[],
    private readonly moved: (master: string) => void,
  ) {
    this.listeners = this.sentinels.map((_, i) => this.listen(i));
  }

  start(): void {
    for (const listener of this.listeners) listener.connect().catch(() => {});
    this.timer = setInterval(() => void this.ask(), ASK_EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    for (const listener of this.listeners) listener.disconnect();
  }

  private get sentinels(): NonNullable<RedisOptions['sentinels']> {
    return this.options.sentinels ?? [];
  }

  private listen(index: number): Redis {
    const sentinel = this.connectTo(index, (times) => Math.min(100 * times, ASK_EVERY_MS));
    sentinel.on('ready', () => void sentinel.subscribe(SWITCHED).catch(() => {}));
    sentinel.on('message', (_, message: string) => {
      // `<name> <old host> <old port> <new host> <new port>`: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
      const [name, , , host, port] = message.split(' ');
      if (name === this.options.name && host && port) void this.check({ host, port: Number(port) }, true);
    });
    return sentinel;
  }

  /** Asks one Sentinel, or the one after it where it does not answer. */
  private async ask(): Promise<void> {
    for (let tries = 0; tries < this.sentinels.length && !this.isStopped; tries++) {
      const sentinel = this.connectTo(this.next++ % this.sentinels.length, () => null);
      try {
        await sentinel.connect();
        const { name } = this.options;
        const [address, epoch] = await Promise.all([
          sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name!),
          sentinel.call('SENTINEL', 'MASTER', name!).then(getEpoch, () => this.epoch),
        ]);
        if (!Array.isArray(address) || epoch < this.epoch) continue;
        this.epoch = epoch;
        return await this.check({ host: String(address[0]), port: Number(address[1]) });
      } catch {
        // The next one is asked.
      } finally {
        sentinel.disconnect();
      }
    }
  }

  /** @param isNews there is a new master: connections that wait for their next attempt need not wait */
  private async check(named: MasterAddress, isNews = false): Promise<void> {
    const master = this.translate(named);
    const addresses = await resolveHost(master.host);
    if (this.isStopped || addresses.length === 0) return;
    const streams = this.connections().filter((stream) => stream?.remoteAddress !== undefined);
    const elsewhere = streams.find(
      (stream) => stream?.remotePort !== master.port || !addresses.includes(plain(stream.remoteAddress!)),
    );
    if (isNews && streams.length === 0) this.moved(`${master.host}:${master.port}`);
    if (elsewhere) this.leave(`${elsewhere.remoteAddress}:${elsewhere.remotePort}`, master);
    else if (streams.length > 0) this.moves = 0;
  }

  private leave(address: string, { host, port }: MasterAddress): void {
    this.moves++;
    if (this.moves <= MAX_MOVES) return this.moved(`${host}:${port}`);
    if (this.moves > MAX_MOVES + 1) return;
    this.logger.warn(
      `Sentinel names the master ${host}:${port}, and each new connection leads to ${address}: it stays there. Is a natMap missing?`,
    );
  }

  private translate(master: MasterAddress): MasterAddress {
    const { natMap } = this.options;
    const key = `${master.host}:${master.port}`;
    return (typeof natMap === 'function' ? natMap(key) : natMap?.[key]) ?? master;
  }

  /** With the settings that ioredis' own connections to Sentinels have. */
  private connectTo(index: number, retryStrategy: (times: number) => number | null): Redis {
    const { host, port, family } = this.sentinels[index]!;
    const { sentinelUsername, sentinelPassword, sentinelTLS, connectTimeout } = this.options;
    const sentinel = new Redis({
      host: host ?? '127.0.0.1',
      port: port ?? SENTINEL_PORT,
      ...(sentinelUsername && { username: sentinelUsername }),
      ...(sentinelPassword && { password: sentinelPassword }),
      ...(sentinelTLS && { tls: sentinelTLS }),
      ...((family ?? this.options.family) && { family: family ?? this.options.family }),
      connectTimeout: Math.min(connectTimeout ?? SENTINEL_TIMEOUT_MS, SENTINEL_TIMEOUT_MS),
      commandTimeout: SENTINEL_TIMEOUT_MS,
      enableReadyCheck: false,
      autoResubscribe: false,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      disconnectTimeout: 200,
      retryStrategy,
    });
    // A Sentinel that is away is no news: the others are there for that.
    sentinel.on('error', () => {});
    return sentinel;
  }
}

function getEpoch(reply: unknown): number {
  const fields = Array.isArray(reply)
    ? reply.map(String)
    : Object.entries(reply as object)
        .flat()
        .map(String);
  return Number(fields[fields.indexOf('config-epoch') + 1]) || 0;
}

/** The addresses that a host name stands for; none where it cannot be resolved. */
async function resolveHost(host: string): Promise<string[]> {
  if (isIP(host)) return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

/** An IPv4 address as such, also where the socket speaks of it as one of IPv6. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
