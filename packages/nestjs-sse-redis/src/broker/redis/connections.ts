import { Logger } from '../../util/logger.js';
import type { Redis } from 'ioredis';
import { connectWithin } from './connect.js';
import type { MasterWatch } from './master-watch.js';
import type { RedisSettings } from './redis-settings.js';

/** The two connections of a hub: the one for commands, and the one that receives announcements. */
export class Connections {
  readonly command: Redis;
  readonly subscriber: Redis;
  private readonly logger = new Logger('SseRedisBroker');
  private readonly watch: MasterWatch | undefined;

  /** @param moved called where one leads to another server than the master, with what says so */
  constructor(
    private readonly settings: RedisSettings,
    moved: (cause: string) => void,
  ) {
    this.command = settings.createCommandConnection();
    this.subscriber = settings.createSubscriberConnection();
    this.watch = settings.createMasterWatch([this.command, this.subscriber], moved);
  }

  /**
   * Connects, trying again until the time is up.
   *
   * @param timeout ms
   * @param failed called with each error, also with those of later connections
   * @throws RedisUnavailableError
   */
  async connect(timeout: number, failed: (error: Error) => void): Promise<void> {
    const { address } = this.settings;
    for (const connection of [this.command, this.subscriber]) {
      // ioredis reconnects by itself; without a listener it would print to the console.
      connection.on('error', (error: Error) => {
        this.logger.debug(`Redis at ${address}: ${error.message}`);
        failed(error);
      });
    }
    await connectWithin(timeout, address, [this.command, this.subscriber]);
  }

  /** Begins to watch where they lead. */
  startWatch(): void {
    this.watch?.start();
  }

  /**
   * Makes the one for commands anew: ioredis resolves the name, or asks who the master is, for each new connection.
   *
   * @param cause what Redis said, which may name the master
   * @returns resolves when it is closed: what comes over it until then says nothing about the next
   */
  async leave(cause: Error | undefined): Promise<void> {
    this.settings.cluster?.refused(cause);
    // While ioredis connects, `disconnect` would end it for good.
    if (this.command.status !== 'ready') return;
    const closed = new Promise<void>((resolve) => this.command.once('close', () => resolve()));
    this.command.disconnect(true);
    await closed;
  }

  /** Ends the watch, and a search for nodes that goes on. */
  stopWatch(): void {
    this.watch?.stop();
    this.settings.cluster?.close();
  }
}
