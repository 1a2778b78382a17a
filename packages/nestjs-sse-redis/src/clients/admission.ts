import { setTimeout as delay } from 'node:timers/promises';
import type { Admission as Outcome, NewConnection } from '../broker/registry-store.interface.js';
import { DrainingError } from '../errors/draining.error.js';
import { TooManyConnectionsError } from '../errors/too-many-connections.error.js';
import { toLimitScope, type LimitScope } from './limit-scope.js';
import type { Proofs } from './proofs.js';
import type { Registrar } from './registrar.js';

/** The load of this node, which decides whether it takes more connections. */
export interface NodeLoad {
  /** Connections of this node. */
  readonly size: number;
  readonly isDraining: boolean;
}

/** How often the registry is asked for a connection that was closed: its process has to take it out. */
const TRIES = 10;
const TRY_AFTER_MS = 100;
/** Another newcomer may take the place that was made free. */
const ROUNDS = 3;

export interface AdmissionOptions {
  /** Connections of this node. */
  readonly connections: number;
  readonly onLimit: 'refuse' | 'replace-oldest';
}

/** Decides whether a connection is let in, by the limits of this node and of the whole deployment. */
export class Admission {
  constructor(
    private readonly load: NodeLoad,
    private readonly registrar: Registrar,
    private readonly options: AdmissionOptions,
    private readonly proofs: Proofs,
    private readonly replaceOldest: (scope: LimitScope) => Promise<readonly string[]>,
  ) {}

  /** @throws DrainingError | TooManyConnectionsError | RedisUnavailableError where a connection would be refused now */
  async check(user: string | undefined, address: string | undefined): Promise<void> {
    this.checkNode(1);
    if (this.options.onLimit === 'replace-oldest') return;
    const preview = (): Promise<Outcome> => this.registrar.preview(user, address);
    await this.insist(preview, { user, address }, () => false);
  }

  /**
   * Registers a connection, unless it closes meanwhile. Before it is refused, room is made by the option `limits.onLimit`.
   *
   * @throws TooManyConnectionsError | RedisUnavailableError
   */
  async register(connection: NewConnection, isClosed: () => boolean): Promise<void> {
    await this.insist(() => this.registrar.register(connection), connection, isClosed);
  }

  private async insist(
    ask: () => Promise<Outcome>,
    connection: Pick<NewConnection, 'user' | 'address'>,
    isClosed: () => boolean,
  ): Promise<void> {
    let outcome = await ask();
    for (let round = 0; outcome !== 'admitted' && round < ROUNDS && !isClosed(); round++) {
      const hasRoom = await this.makeRoom(toLimitScope(outcome, connection));
      // It has been taken out of the registry, and nobody would take it out once more.
      if (isClosed()) return;
      // Once more in any case: one may have left by itself meanwhile.
      outcome = await ask();
      if (!hasRoom) break;
    }
    if (outcome !== 'admitted') throw tooMany(outcome === 'user-limit' ? 'user' : 'address');
  }

  /** @returns whether there is room, unless another newcomer has taken it */
  private async makeRoom(scope: LimitScope): Promise<boolean> {
    const gone =
      this.options.onLimit === 'refuse' ? await this.proofs.run(scope) : await this.replaceOldest(scope);
    // Their processes take them out of the registry. Who is still in there has made no room, and no other is to make it.
    for (let left = gone.length > 0 ? TRIES : 0; left > 0; left--) {
      const registered = await Promise.all(gone.map((id) => this.registrar.has(id)));
      if (registered.includes(false)) return true;
      await delay(TRY_AFTER_MS);
    }
    return false;
  }

  /** @param more connections, besides those of this node. @throws DrainingError | TooManyConnectionsError */
  checkNode(more: number): void {
    this.checkDraining();
    if (this.load.size + more > this.options.connections) throw tooMany('process');
  }

  /** @throws DrainingError */
  checkDraining(): void {
    if (!this.load.isDraining) return;
    throw new DrainingError('This process is being shut down. Connect again: another one will answer.');
  }
}

/** @param scope of the limit that is reached */
function tooMany(scope: 'process' | 'user' | 'address'): TooManyConnectionsError {
  return new TooManyConnectionsError(
    `The limit of connections per ${scope} is reached. Close another one, or raise limits.connections, connectionsPerUser or connectionsPerAddress.`,
  );
}
