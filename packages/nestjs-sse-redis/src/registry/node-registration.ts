import { Logger } from '@nestjs/common';
import type {
  Admission,
  NewConnection,
  NodeDescription,
  RegistryLimits,
  RegistryStore,
} from '../broker/registry-store.interface.js';
import { RegistrationQueue } from './registration-queue.js';

/** Renewed so often within the lease: one or two renewals may fail. */
const RENEWALS_PER_LEASE = 3;
/** Redis does nothing else while a piece is removed. */
const PIECE_SIZE = 500;
const PAGE_SIZE = 1_000;
const NO_LIMITS: RegistryLimits = { connectionsPerUser: 0, connectionsPerAddress: 0 };

export interface RegistrationOptions extends RegistryLimits {
  readonly leaseTtl: number;
  readonly sweepInterval: number;
}

/**
 * This process in the registry: its lease, its connections, and its part in sweeping up behind others.
 *
 * The connections of this process are the truth. Where the registry has lost it (Redis came back empty; others took this process for
 * dead, because it was paused) it is registered anew.
 */
export class NodeRegistration {
  readonly sweeps = { runs: 0, removed: 0 };
  /** Until when others take this process for living, by its own clock; ms since the epoch. */
  leaseUntil = 0;
  /** Called with each renewal of the lease. */
  onRenewed: () => void = () => undefined;
  /** Called on the timer of the sweep, for what is to be swept in this process itself. */
  onSweep: () => void = () => undefined;
  private readonly logger = new Logger('SseRegistry');
  private readonly queue: RegistrationQueue;
  private readonly limits: RegistryLimits;
  private timers: NodeJS.Timeout[] = [];
  private joining: Promise<void> | undefined;
  private sweeping: Promise<number> | undefined;
  private stopped = false;

  constructor(
    private readonly node: NodeDescription,
    private readonly store: RegistryStore,
    private readonly options: RegistrationOptions,
  ) {
    this.limits = {
      connectionsPerUser: toStoredLimit(options.connectionsPerUser),
      connectionsPerAddress: toStoredLimit(options.connectionsPerAddress),
    };
    this.queue = new RegistrationQueue({
      registerBatch: (connections) => this.registerBatch(connections),
      unregisterBatch: (removals) => store.unregister(removals),
      update: (connection) => store.update(connection),
    });
  }

  /** Takes the lease. @throws RedisUnavailableError */
  async start(): Promise<void> {
    await this.join();
    const renewal = setInterval(() => void this.renew(), this.options.leaseTtl / RENEWALS_PER_LEASE);
    // Twice within the interval: what has just not run out at one time is found the next.
    const sweep = setInterval(() => {
      this.onSweep();
      void this.sweep().catch((error: Error) => this.logger.debug(`Could not sweep: ${error.message}`));
    }, this.options.sweepInterval / 2);
    this.timers = [renewal, sweep];
    for (const timer of this.timers) timer.unref();
  }

  register(connection: NewConnection): Promise<Admission> {
    return this.queue.register(connection);
  }

  unregister(id: string, reason: string): void {
    this.queue.unregister(id, reason);
  }

  update(connection: NewConnection): void {
    this.queue.update(connection);
  }

  async preview(user: string | undefined, address: string | undefined): Promise<Admission> {
    const { connectionsPerUser, connectionsPerAddress } = this.limits;
    const [ofUser, ofAddress] = await Promise.all([
      connectionsPerUser > 0 && user !== undefined ? this.store.count({ user }) : -1,
      connectionsPerAddress > 0 && address !== undefined ? this.store.count({ address }) : -1,
    ]);
    if (ofUser >= (connectionsPerUser || Infinity)) return 'user-limit';
    return ofAddress >= (connectionsPerAddress || Infinity) ? 'address-limit' : 'admitted';
  }

  async has(id: string): Promise<boolean> {
    return (await this.store.get(id)) !== undefined;
  }

  async liveNodes(): Promise<string[]> {
    return (await this.store.nodes()).map(({ id }) => id);
  }

  /**
   * Removes what dead processes left behind.
   *
   * @returns how many connections that were
   * @throws RedisUnavailableError
   */
  sweep(): Promise<number> {
    return (this.sweeping ??= this.sweepPieces().finally(() => (this.sweeping = undefined)));
  }

  /** Takes everything of this process out of the registry. Where Redis is away, its lease will run out. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    try {
      await this.queue.settle();
      for (let more = true; more;) {
        ({ more } = await this.store.leave(this.node.id, 'shutdown', PIECE_SIZE));
      }
    } catch (error) {
      this.logger.warn(`Could not leave the registry, the lease will run out: ${(error as Error).message}`);
    }
  }

  private async renew(): Promise<void> {
    try {
      await this.join();
    } catch (error) {
      this.logger.debug(`Could not renew the lease: ${(error as Error).message}`);
    }
  }

  /** Renews the lease, or takes a new one and registers all that lives here. */
  private join(): Promise<void> {
    return (this.joining ??= this.takeLease().finally(() => (this.joining = undefined)));
  }

  private async takeLease(): Promise<void> {
    const until = Date.now() + this.options.leaseTtl;
    const { changes } = this.queue;
    const { isNew, connections } = await this.store.renew(this.node, this.options.leaseTtl);
    if (this.stopped) return;
    const { live: living } = this.queue;
    if (isNew) await this.registerAll([...living.values()]);
    // Nothing was on its way: then both must be the same.
    else if (connections !== living.size && changes === this.queue.changes && !this.queue.isBusy)
      await this.reconcile();
    this.leaseUntil = until;
    this.onRenewed();
  }

  private async registerBatch(connections: readonly NewConnection[]): Promise<Admission[]> {
    const admissions = await this.store.register(this.node.id, connections, this.limits);
    if (admissions) return admissions;
    // The lease is lost. With a new one, what lives here goes first: nobody is put out for a newcomer.
    await this.join();
    const again = await this.store.register(this.node.id, connections, this.limits);
    if (again) return again;
    throw new Error('The lease was lost twice at once.');
  }

  private async registerAll(connections: readonly NewConnection[]): Promise<void> {
    if (connections.length === 0) return;
    this.logger.log(
      `Registering ${connections.length} connections anew: the registry had lost this process.`,
    );
    await this.store.register(this.node.id, connections, NO_LIMITS);
    // Who left meanwhile was not there to be taken out.
    for (const { id } of connections) if (!this.queue.live.has(id)) this.queue.unregister(id, 'left');
  }

  /** Something that was asked of the registry came to nothing, or was done though it seemed not to be. */
  private async reconcile(): Promise<void> {
    const registered = new Set<string>();
    let after: string | undefined;
    do {
      const page = await this.store.list({ node: this.node.id }, PAGE_SIZE, after);
      for (const { id } of page.connections) registered.add(id);
      after = page.next;
    } while (after !== undefined);
    const { live: living } = this.queue;
    for (const id of registered) if (!living.has(id)) this.queue.unregister(id, 'left');
    const missing = [...living.values()].filter(({ id }) => !registered.has(id));
    await this.registerAll(missing);
  }

  private async sweepPieces(): Promise<number> {
    const lockTtl = Math.ceil(Math.min(1_000, Math.max(20, this.options.sweepInterval / 4)));
    let removed = 0;
    this.sweeps.runs++;
    for (;;) {
      const piece = await this.store.sweep(this.node.id, lockTtl, PIECE_SIZE);
      removed += piece.removed;
      this.sweeps.removed += piece.removed;
      if (piece.node !== undefined && piece.removed > 0)
        this.logger.log(`Removed ${piece.removed} connections of ${piece.node}, whose lease ran out.`);
      // Whoever holds the lock does the work, or has died over it.
      if (piece.locked && !this.stopped)
        setTimeout(() => void this.sweep().catch(() => undefined), lockTtl).unref();
      if (!piece.more || piece.locked) return removed;
    }
  }
}

function toStoredLimit(limit: number): number {
  return Number.isFinite(limit) ? limit : 0;
}
