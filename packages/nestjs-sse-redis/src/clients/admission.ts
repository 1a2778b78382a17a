import { DrainingError } from '../errors/draining.error.js';
import { TooManyConnectionsError } from '../errors/too-many-connections.error.js';
import type { Registrar } from './registrar.js';

/** The load of this node, which decides whether it takes more connections. */
export interface NodeLoad {
  /** Connections of this node. */
  readonly size: number;
  readonly isDraining: boolean;
}

/** Decides whether a connection is let in, by the limits of this node and of the whole deployment. */
export class Admission {
  /** @param limit connections of this node */
  constructor(
    private readonly load: NodeLoad,
    private readonly registrar: Registrar,
    private readonly limit: number,
  ) {}

  /** @throws DrainingError | TooManyConnectionsError | RedisUnavailableError where a connection would be refused now */
  async check(user: string | undefined, address: string | undefined): Promise<void> {
    this.checkNode(1);
    if (!(await this.registrar.hasCapacity(user, address))) throw tooMany('user or address');
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

/** @param scope of the limit that is reached */
export function tooMany(scope: 'process' | 'user' | 'address' | 'user or address'): TooManyConnectionsError {
  return new TooManyConnectionsError(
    `The limit of connections per ${scope} is reached. Close another one, or raise limits.connections, connectionsPerUser or connectionsPerAddress.`,
  );
}
