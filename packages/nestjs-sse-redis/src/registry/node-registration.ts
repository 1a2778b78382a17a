import { Logger } from '@nestjs/common';
import type {
  Admission,
  NewConnection,
  NodeDescription,
  RegistryLimits,
  RegistryStore,
} from '../broker/registry-store.interface.js';
import type { Pause } from '../util/waits.js';
import { withinTime } from '../util/within-time.js';
import { leaveRegistry } from './leave-registry.js';
import { RegistrationQueue } from './registration-queue.js';
import { RENEWALS_PER_LEASE, RenewalTimer, type RenewalTimerOptions } from './renewal-timer.js';
import { PIECE_SIZE, Sweeper } from './sweeper.js';
import { NO_LIMITS, toStoredLimits } from './stored-limits.js';

const PAGE_SIZE = 1_000;
const SETTLING_MS = 1_000;

export interface RegistrationOptions extends RegistryLimits, RenewalTimerOptions {}

/**
 * This process in the registry: its lease, its connections, and its part in sweeping up behind others.
 *
 * The connections of this process are the truth. Where the registry has lost it (Redis came back empty; others took this process for
 * dead, because it was paused) it is registered anew.
 */
export class NodeRegistration {
  readonly sweeper: Sweeper;
  /** Until when others take this process for living, by its own clock; ms since the epoch. */
  leaseUntil = 0;
  /** Called with each renewal of the lease. */
  onRenewed: () => void = () => undefined;
  /** Called twice within the interval of the sweep, for what is to be swept in this process itself. */
  onSweep: () => void = () => undefined;
  /** Called where the node has a new lease, while `leaseUntil` is still that of the lost one: others may have ended its runs. */
  onNewLease: () => void = () => undefined;
  private readonly logger = new Logger('SseRegistry');
  private readonly queue: RegistrationQueue;
  private readonly limits: RegistryLimits;
  /** When this process renews its lease, and on what terms. */
  readonly renewals: RenewalTimer;
  private reaping: NodeJS.Timeout | undefined;
  /** The changes of the queue at which the registry had as many connections as live here. */
  private agreedAt = -1;
  /** Renewals since connections were last counted. */
  private uncounted = 0;
  /** Whether anybody but clients listens in this process. */
  hasListeners: () => boolean = () => false;
  private joining: Promise<void> | undefined;
  private isStarted = false;
  /** It may have a lease: it has asked for one. */
  private hasJoined = false;
  private stopped = false;

  constructor(
    private readonly node: NodeDescription,
    private readonly store: RegistryStore,
    private readonly options: RegistrationOptions,
    pause: Pause,
  ) {
    this.limits = toStoredLimits(options);
    this.sweeper = new Sweeper(node.id, store, options.sweepInterval);
    this.renewals = new RenewalTimer(
      options,
      () => this.queue.live.size > 0 || this.hasListeners(),
      () => void this.renew(),
    );
    this.queue = new RegistrationQueue({
      registerBatch: (connections) => this.registerBatch(connections),
      unregisterBatch: (removals) => store.unregister(removals),
      update: (connection) => store.update(connection),
      pause,
    });
  }

  /** Takes the lease. @throws RedisUnavailableError */
  async start(): Promise<void> {
    await this.join().catch((error: unknown) => {
      this.renewals.stop();
      throw error;
    });
    if (this.stopped) return;
    this.isStarted = true;
    this.reaping = setInterval(() => this.onSweep(), this.options.sweepInterval / 2).unref();
  }

  /** The link is to be proven, which a renewal does. */
  proveLink(): void {
    if (this.isStarted && !this.stopped) void this.renew();
  }

  /** Somebody is about to use this process: others take it for living no longer than is usual, and its link is proven at once. */
  wake(): void {
    if (!this.renewals.wake() || this.stopped) return;
    // A renewal that is on its way has the terms of an idle process.
    if (this.joining) void this.joining.catch(() => undefined).then(() => this.renew());
    else void this.renew();
  }

  /** An idle process renews its lease so rarely that no renewal need meet the outage. Others renew theirs meanwhile, or cannot. */
  linkLost(): void {
    if (this.renewals.pace > 1) this.sweeper.noteOutage();
  }

  /** What was done in the registry may have got lost with the link. A renewal that failed meanwhile has waited for it. */
  linkRestored(): void {
    this.recount();
    if (this.sweeper.isCutOff) this.proveLink();
  }

  register(connection: NewConnection): Promise<Admission> {
    this.wake();
    return this.queue.register(connection);
  }

  unregister(id: string, reason: string): void {
    this.queue.unregister(id, reason);
  }

  update(connection: NewConnection): void {
    this.queue.update(connection);
  }

  /** Notes that this process owns the run of a channel. @throws RedisUnavailableError */
  async addRuns(channels: readonly string[]): Promise<void> {
    this.wake();
    if (await this.store.addRuns(this.node.id, channels)) return;
    await this.join();
    if (!(await this.store.addRuns(this.node.id, channels)))
      throw new Error('The lease was lost twice at once.');
  }

  removeRuns(channels: readonly string[]): Promise<void> {
    return this.store.removeRuns(this.node.id, channels);
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

  /** Whether a node lives, as far as can be said. @throws RedisUnavailableError */
  async mayLive(node: string): Promise<boolean> {
    if (this.sweeper.isUncertain) return true;
    const isThere = (await this.liveNodes()).includes(node);
    // The answer may be from behind an outage that began since.
    return isThere || this.sweeper.isUncertain;
  }

  /** The sweeps of this process. */
  get sweeps(): Sweeper['counts'] {
    return this.sweeper.counts;
  }

  /** Resolves when the registry has what became of the connections, or does not answer. */
  async settle(): Promise<void> {
    await withinTime(this.queue.settle(), SETTLING_MS);
  }

  /** Takes everything of this process out of the registry. Where Redis is away, its lease will run out. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.renewals.stop();
    clearInterval(this.reaping);
    this.sweeper.stop();
    if (!this.hasJoined) return;
    try {
      await leaveRegistry(this.queue, () => this.store.leave(this.node.id, 'shutdown', PIECE_SIZE));
    } catch (error) {
      this.logger.warn(`Could not leave the registry, the lease will run out: ${(error as Error).message}`);
    }
  }

  /** A renewal that failed may have taken a new, empty lease, too. */
  private recount(): void {
    this.agreedAt = -1;
  }

  private async renew(): Promise<void> {
    await this.join().catch((error: Error) => {
      this.recount();
      this.renewals.retry();
      this.logger.debug(`Could not renew the lease: ${error.message}`);
    });
  }

  /** Renews the lease, or takes a new one and registers all that lives here. */
  private join(): Promise<void> {
    return (this.joining ??= this.takeLease().finally(() => (this.joining = undefined)));
  }

  private async takeLease(): Promise<void> {
    this.hasJoined = true;
    const { dueAt } = this.renewals;
    const { ttl, next, pace } = this.renewals.next();
    const now = Date.now();
    const until = now + ttl;
    // Where the answer is lost, a shorter lease may have been taken all the same.
    this.leaseUntil = Math.min(this.leaseUntil, until);
    const { changes, isBusy } = this.queue;
    const count = isBusy || changes !== this.agreedAt || ++this.uncounted >= RENEWALS_PER_LEASE;
    // An idle process leaves it to others to find a lease that runs out before it looks again.
    const terms = { next: pace === 1 ? next : 0, count, pace };
    // An outage of two thirds of a lease may cost others theirs. One renewal is due within its first third, and is a third late behind it.
    const inTime = Math.min(now, dueAt) + this.options.leaseTtl / RENEWALS_PER_LEASE;
    const renewal = this.store.renew(this.node, ttl, terms);
    const { isNew, connections, runsOut } = await this.sweeper.heed(renewal, inTime);
    if (this.stopped) return;
    if (runsOut !== undefined) this.sweeper.plan(runsOut);
    const { live: living } = this.queue;
    if (isNew) this.onNewLease();
    if (isNew) await this.registerAll([...living.values()]);
    // Nothing was on its way: then both must be the same.
    else if (connections !== undefined && changes === this.queue.changes && !this.queue.isBusy) {
      if (connections !== living.size) await this.reconcile();
      else if (!isBusy) this.agreedAt = changes;
      this.uncounted = 0;
    }
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
}
