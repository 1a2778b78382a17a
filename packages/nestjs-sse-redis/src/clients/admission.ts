import { setTimeout as delay } from 'node:timers/promises';
import type { Admission as Outcome, NewConnection } from '../broker/registry-store.interface.js';
import { DrainingError } from '../errors/draining.error.js';
import { TooManyConnectionsError } from '../errors/too-many-connections.error.js';
import { toLimitScope, type LimitScope } from './limit-scope.js';
import { LimitTurns, type LimitLine } from './limit-turns.js';
import type { Proofs } from './proofs.js';
import type { Registrar } from './registrar.js';

/** The load of this node, which decides whether it takes more connections. */
export interface NodeLoad {
  /** Connections of this node. */
  readonly size: number;
  readonly isDraining: boolean;
}

type Refusal = Exclude<Outcome, 'admitted'>;

/** How often the registry is asked for a connection that was closed: its process has to take it out. */
const TRIES = 40;
const TRY_AFTER_MS = 25;
/** How often newcomers look for a connection that can be replaced: those that were just let in are still being opened. */
const SEARCHES = 50;
const SEARCH_AFTER_MS = 100;
/** Another newcomer may take the place that was made free. */
const ROUNDS = 3;

export interface AdmissionOptions {
  /** Connections of this node. */
  readonly connections: number;
  readonly onLimit: 'refuse' | 'replace-oldest';
}

/** Decides whether a connection is let in, by the limits of this node and of the whole deployment. */
export class Admission {
  private readonly turns = new LimitTurns();

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
    await this.insist(
      () => this.registrar.preview(user, address),
      { user, address },
      () => false,
    );
  }

  /**
   * Registers a connection, unless it closes meanwhile. Before it is refused, room is made by the option `limits.onLimit`.
   *
   * @throws TooManyConnectionsError | RedisUnavailableError
   */
  async register(connection: NewConnection, isClosed: () => boolean): Promise<void> {
    const ask = (): Promise<Outcome> => this.registrar.register(connection);
    if (this.options.onLimit === 'refuse') return this.insist(ask, connection, isClosed);
    const outcome = await ask();
    if (outcome === 'admitted' || isClosed()) return;
    await this.turns.take(toLimitScope(outcome, connection), async (line) => {
      const refusal = await this.replace(ask, connection, isClosed, line);
      if (refusal !== undefined) throw tooMany(refusal);
    });
  }

  private async insist(
    ask: () => Promise<Outcome>,
    connection: Pick<NewConnection, 'user' | 'address'>,
    isClosed: () => boolean,
  ): Promise<void> {
    let outcome = await ask();
    for (let round = 0; outcome !== 'admitted' && round < ROUNDS && !isClosed(); round++) {
      const hasRoom = await this.isRoomMade(await this.proofs.run(toLimitScope(outcome, connection)));
      // It has been taken out of the registry, and nobody would take it out once more.
      if (isClosed()) return;
      // Once more in any case: one may have left by itself meanwhile.
      outcome = await ask();
      if (!hasRoom) break;
    }
    if (outcome !== 'admitted') throw tooMany(outcome);
  }

  /** Closes the oldest connection, and registers the newcomer in its place. @returns why the newcomer is refused, if it is */
  private async replace(
    ask: () => Promise<Outcome>,
    connection: NewConnection,
    isClosed: () => boolean,
    line: LimitLine,
  ): Promise<Refusal | undefined> {
    let hasRoom = true;
    while (!isClosed()) {
      // Another process may have let a newcomer in meanwhile, or one may have left by itself.
      const outcome = await ask();
      if (outcome === 'admitted') return undefined;
      if (!hasRoom || line.fruitless >= SEARCHES) return outcome;
      if (isClosed()) return undefined;
      const gone = await this.replaceOldest(toLimitScope(outcome, connection));
      line.fruitless = gone.length > 0 ? 0 : line.fruitless + 1;
      if (gone.length > 0) hasRoom = await this.isRoomMade(gone);
      else await delay(SEARCH_AFTER_MS);
    }
    return undefined;
  }

  /** @returns whether there is room, unless another newcomer has taken it */
  private async isRoomMade(gone: readonly string[]): Promise<boolean> {
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
    if (this.load.size + more > this.options.connections) throw tooMany('process-limit');
  }

  /** @throws DrainingError */
  checkDraining(): void {
    if (!this.load.isDraining) return;
    throw new DrainingError('This process is being shut down. Connect again: another one will answer.');
  }
}

/** @param limit that is reached */
function tooMany(limit: Refusal | 'process-limit'): TooManyConnectionsError {
  return new TooManyConnectionsError(
    `The limit of connections per ${limit.replace('-limit', '')} is reached. Close another one, or raise limits.connections, connectionsPerUser or connectionsPerAddress.`,
  );
}
