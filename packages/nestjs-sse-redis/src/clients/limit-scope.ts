import type { Admission, NewConnection } from '../broker/registry-store.interface.js';

/** The holder of a limit of connections. */
export type LimitScope = { readonly user: string } | { readonly address: string };

/** The oldest connection of a user or an address in one process. */
export interface OldestConnection {
  readonly id: string;
  /** ms since the epoch, by the clock of its process. */
  readonly since: number;
}

/** The processes of a deployment, which make room for a newcomer of a user or an address that is at its limit. */
export interface LimitPeers {
  /** Closes the connections that are gone. @returns their ids */
  prove(scope: LimitScope): Promise<readonly string[]>;
  /** Closes the oldest connection for good. @returns its id, if there was one */
  replaceOldest(scope: LimitScope): Promise<readonly string[]>;
}

/** @returns whose limit is reached */
export function toLimitScope(
  outcome: Exclude<Admission, 'admitted'>,
  { user, address }: Pick<NewConnection, 'user' | 'address'>,
): LimitScope {
  return outcome === 'user-limit' ? { user: user! } : { address: address! };
}
