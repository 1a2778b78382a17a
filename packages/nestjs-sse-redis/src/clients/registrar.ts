import type { Admission, NewConnection } from '../broker/registry-store.interface.js';

/** Where the hub makes its connections known to all processes. */
export interface Registrar {
  /** Registers a connection, if the limits allow it. @throws RedisUnavailableError, having registered nothing for good */
  register(connection: NewConnection): Promise<Admission>;
  /** The connection has gone: it is taken out as soon as Redis takes it. */
  unregister(id: string, reason: string): void;
  update(connection: NewConnection): void;
  /** The outcome that a registration would have now. */
  preview(user: string | undefined, address: string | undefined): Promise<Admission>;
  /** Until when others take this process for living, by its own clock; ms since the epoch. */
  readonly leaseUntil: number;
  /** The sweeps of this process. */
  readonly sweeps: { readonly runs: number; readonly removed: number };
  /** Whether a connection is registered. */
  has(id: string): Promise<boolean>;
  /** The ids of all living processes. */
  liveNodes(): Promise<string[]>;
}
