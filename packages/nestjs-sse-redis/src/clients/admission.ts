import { setTimeout as delay } from 'node:timers/promises';
import type { Admission as Outcome, NewConnection } from '../broker/registry-store.interface.js';
import { DrainingError } from '../errors/draining.error.js';
import { TooManyConnectionsError } from '../errors/too-many-connections.error.js';
import type { LimitScope, Proofs } from './proofs.js';
import type { Registrar } from './registrar.js';

/** The load of this node, which decides whether it takes more connections. */
export interface NodeLoad {
  /** Connections of this node. */
  readonly size: number;
  readonly isDraining: boolean;
}

/** How often a place is asked for that a proof has made free: other processes take its connection out of the registry. */
const TRIES = 10;
const TRY_AFTER_MS = 100;

/** Decides whether a connection is let in, by the limits of this node and of the whole deployment. */
export class Admission {
  /** @param limit connections of this node */
  constructor(
    private readonly load: NodeLoad,
    private readonly registrar: Registrar,
    private readonly limit: number,
    private readonly proofs: Proofs,
  ) {}

  /** @throws DrainingError | TooManyConnectionsError | RedisUnavailableError where a connection would be refused now */
  async check(user: string | undefined, address: string | undefined): Promise<void> {
    this.checkNode(1);
    if (await this.registrar.hasCapacity(user, address)) return;
    const scopes = [
      ...(user === undefined ? [] : [{ user }]),
      ...(address === undefined ? [] : [{ address }]),
    ];
    const gone = await Promise.all(scopes.map((scope) => this.proofs.run(scope)));
    for (let tries = gone.some((count) => count > 0) ? TRIES : 0; tries > 0; tries--) {
      if (await this.registrar.hasCapacity(user, address)) return;
      await delay(TRY_AFTER_MS);
    }
    throw tooMany('user or address');
  }

  /**
   * Registers a connection. Before it is refused, the connections of its user or address are proven alive.
   *
   * @throws TooManyConnectionsError | RedisUnavailableError
   */
  async register(connection: NewConnection, isClosed: () => boolean): Promise<void> {
    let outcome = await this.registrar.register(connection);
    if (outcome !== 'admitted') {
      let tries = (await this.proofs.run(toScope(outcome, connection))) > 0 ? TRIES : 0;
      for (; tries > 0 && outcome !== 'admitted' && !isClosed(); tries--) {
        outcome = await this.registrar.register(connection);
        if (outcome !== 'admitted') await delay(TRY_AFTER_MS);
      }
    }
    if (outcome !== 'admitted') throw tooMany(outcome === 'user-limit' ? 'user' : 'address');
  }

  /** @param more connections, besides those of this node. @throws DrainingError | TooManyConnectionsError */
  checkNode(more: number): void {
    this.checkDraining();
    if (this.load.size + more > this.limit) throw tooMany('process');
  }

  /** @throws DrainingError */
  checkDraining(): void {
    if (!this.load.isDraining) return;
    throw new DrainingError('This process is being shut down. Connect again: another one will answer.');
  }
}

function toScope(outcome: Outcome, { user, address }: NewConnection): LimitScope {
  return outcome === 'user-limit' ? { user: user! } : { address: address! };
}

/** @param scope of the limit that is reached */
function tooMany(scope: 'process' | 'user' | 'address' | 'user or address'): TooManyConnectionsError {
  return new TooManyConnectionsError(
    `The limit of connections per ${scope} is reached. Close another one, or raise limits.connections, connectionsPerUser or connectionsPerAddress.`,
  );
}
