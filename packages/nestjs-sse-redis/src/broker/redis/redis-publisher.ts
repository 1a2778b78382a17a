import type { ResolvedOptions } from '../../options/resolved-options.js';
import type { DataLine, Publication, PublishOutcome } from '../broker.interface.js';
import type { ShardPlace } from '../shard-place.interface.js';
import { toUnsupported } from './command-check.js';
import { Commands } from './commands.js';
import { CommandConnection } from './connections.js';
import { Keys } from './keys.js';
import { Outage } from './outage.js';
import { PublishQueue, type PublishSettings } from './publish-queue.js';
import { PublisherLink } from './publisher-link.js';
import { RedisSettings, type ConnectionSettings } from './redis-settings.js';
import { checkStart } from './start-check.js';

/** How long commands that were sent may take to be answered before their connection is given up. */
const ANSWERED_WITHIN_MS = 200;

/** The options of a publisher. */
export interface RedisPublisherSettings
  extends ConnectionSettings, PublishSettings, Pick<ResolvedOptions, 'replicas'> {}

/**
 * Publishes as a hub does, with the same script, over one connection that the first publish opens. It subscribes to nothing, and has no
 * lease.
 */
export class RedisPublisher {
  private readonly settings: RedisSettings;
  private readonly keys: Keys;
  private readonly connections: CommandConnection;
  private readonly outage: Outage;
  private readonly commands: Commands;
  private readonly queue: PublishQueue;
  private readonly link: PublisherLink;
  /** How many publishes are not settled. */
  private pending = 0;
  private isClosed = false;

  /** @param admit called before the first connection is used; throws where it must not be */
  constructor(
    redis: NonNullable<ResolvedOptions['redis']>,
    private readonly options: RedisPublisherSettings,
    private readonly place?: ShardPlace,
    private readonly admit: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.settings = new RedisSettings(redis, options, place);
    const { address, rights, cluster, prefix, db } = this.settings;
    this.keys = new Keys(prefix, db);
    this.connections = new CommandConnection(this.settings, (cause) => this.outage.moved(cause));
    this.outage = new Outage(address, () => this.reconnect());
    const { command } = this.connections;
    const isCluster = cluster !== undefined;
    const { publishTimeout } = options;
    this.commands = new Commands(
      command,
      address,
      rights,
      this.outage,
      publishTimeout,
      isCluster,
      place?.index,
    );
    this.link = new PublisherLink(this.connections, this.commands, publishTimeout, () => this.check());
    this.queue = new PublishQueue(this.commands, this.keys, options, this.link);
    this.watch();
  }

  /** Never rejects: each publication has an outcome of its own, after `publishTimeout` at the latest. */
  async publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    this.pending++;
    try {
      const outcomes = await this.queue.publish(publications);
      if (outcomes.some((outcome) => !('error' in outcome))) this.link.answered();
      return outcomes;
    } finally {
      this.pending--;
    }
  }

  /** Resolves when a connection stands and the server is found to be right. @throws any error of the check */
  async open(): Promise<void> {
    const failure = await this.link.opened();
    if (failure) throw failure;
  }

  /** Known from the first answer of a connection on. */
  get line(): DataLine {
    return this.commands.line;
  }

  /** What was not published by then is refused. */
  close(): void {
    this.isClosed = true;
    this.link.close();
    this.connections.stopWatch();
    this.outage.stop();
    this.queue.stop();
    this.connections.command.disconnect();
  }

  /** That the connection of an idle publisher is closed is no news: the next publish makes it anew. */
  private watch(): void {
    const { command } = this.connections;
    this.connections.onFailed((error) => {
      if (this.isClosed) return;
      this.outage.failed(error);
      this.outage.lost();
    });
    command.on('close', () => {
      if (!this.isClosed && this.pending > 0) this.outage.lost();
    });
    command.on('ready', () => {
      if (!this.outage.isReconnecting) this.outage.over();
    });
  }

  private async check(): Promise<void> {
    const { settings, commands, keys, options, place } = this;
    const { command: redis } = this.connections;
    try {
      await this.admit();
      // The link asks again where a refusal may pass, and stops when it is closed.
      const manner = { isQuiet: true, mayWait: () => false };
      await checkStart({ redis, settings, commands, keys, options, place, ...manner });
    } catch (error) {
      throw toUnsupported(error, settings.address, settings.cluster !== undefined);
    }
    this.connections.startWatch();
  }

  private async reconnect(): Promise<void> {
    await this.commands.leave(ANSWERED_WITHIN_MS, async () => {
      if (!this.isClosed) await this.connections.leave(this.outage.cause);
    });
  }
}
