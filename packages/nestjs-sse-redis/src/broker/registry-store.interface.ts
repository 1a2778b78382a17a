/** A connection as every process knows it. */
export interface ConnectionRecord {
  /** Begins with the id of its node and a dot. */
  readonly id: string;
  readonly node: string;
  readonly user: string | undefined;
  readonly channels: readonly string[];
  /** When it was registered, in ms since the epoch, by the clock of the broker. */
  readonly since: number;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  /** Data of the application; anything that JSON can carry. */
  readonly metadata: unknown;
}

/** A connection before it is registered: the broker adds the time. */
export type NewConnection = Omit<ConnectionRecord, 'since'>;

/** A process, as it describes itself. */
export interface NodeDescription {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
}

/** A process that has a lease. */
export interface NodeRecord extends NodeDescription {
  /** Since when it has its lease, in ms since the epoch, by the clock of the broker. */
  readonly since: number;
  /** When its lease runs out if it is not renewed. */
  readonly expires: number;
  readonly connections: number;
}

/** Something that happened to connections, at one time, for one reason. */
export interface ConnectionChange {
  readonly type: 'connected' | 'disconnected' | 'subscribed' | 'unsubscribed';
  /** When, in ms since the epoch, by the clock of the broker. */
  readonly at: number;
  /** Of a departure: why. */
  readonly reason?: string;
  /** The connection as it was registered; of `subscribed` and `unsubscribed`: as it is after that. */
  readonly connection: ConnectionRecord;
  /** Of `subscribed` and `unsubscribed`: which channels. */
  readonly channels?: readonly string[];
}

/** 0: no limit. */
export interface RegistryLimits {
  readonly connectionsPerUser: number;
  readonly connectionsPerAddress: number;
}

/** The outcome of a registration: admitted, or over the limit of the user or of the address. */
export type Admission = 'admitted' | 'user-limit' | 'address-limit';

export interface Removal {
  readonly id: string;
  readonly reason: string;
}

/** Which connections; at most one of user and channel together with nothing else, or both of them, or a node alone. */
export interface ConnectionFilter {
  readonly user?: string;
  readonly channel?: string;
  readonly node?: string;
  /** Only to be counted. */
  readonly address?: string;
}

/** Some connections of the registry, of one call of `registry.list()`. */
export interface ConnectionPage {
  readonly connections: readonly ConnectionRecord[];
  /** To go on from; undefined where there is no more. */
  readonly next: string | undefined;
}

/** The users of a channel. */
export interface PresencePage {
  /** All connections of the channel, not only of this page. */
  readonly connections: number;
  /** Connections of nobody in particular, of all of the channel. */
  readonly anonymous: number;
  /** In the order of their ids (of their bytes). */
  readonly users: readonly { readonly user: string; readonly connections: number }[];
  readonly next: string | undefined;
}

/** What a renewal is for, besides the lease. */
export interface RenewalOptions {
  /** The next renewal comes in so many ms. Leases of others that run out before it are looked for. Default 0. */
  readonly next?: number;
  /** Whether the connections of the node are counted. Default true. */
  readonly count?: boolean;
  /** By what the broker stretches the time between two proofs of its link. Default 1. */
  readonly pace?: number;
}

export interface Renewal {
  /** The node has no lease, or had lost it: what it had registered is gone, or going. It has a new lease now. */
  readonly isNew: boolean;
  /** How many connections are registered for it; undefined where they were not counted. */
  readonly connections: number | undefined;
  /** In how many ms the lease of another node runs out, if it does before the next renewal; 0: it has run out. */
  readonly runsOut: number | undefined;
}

export interface SweptPiece {
  /** The node whose remains were found, if any. */
  readonly node: string | undefined;
  readonly removed: number;
  /** Channels of runs that it owned: it keeps its place until they are ended, and removed by `removeRuns`. */
  readonly runs: readonly string[];
  /** There is more to do, at once. */
  readonly more: boolean;
  /** Another node is at it. */
  readonly locked: boolean;
}

/** The channel of the hub in whose log the changes are; no channel of an application has a control character. */
export const CHANGES_CHANNEL = '\u0001changes';

/**
 * Where connections are known to all processes. Part of a broker; every call is one atomic step. Changes are events of
 * `CHANGES_CHANNEL`: each is appended to the log and announced in the step that makes it, so that whoever follows the
 * log hears of each exactly once. One event carries the changes of one step: its data is a `ConnectionChange[]`.
 *
 * All of it rejects with a `RedisUnavailableError` where Redis cannot be reached, or `RedisRefusedError`.
 */
export interface RegistryStore {
  /** Takes or renews the lease of a node, and proves the link, if that is due. @param ttl ms */
  renew(node: NodeDescription, ttl: number, options?: RenewalOptions): Promise<Renewal>;
  /**
   * Registers connections of a node, those within the limits; in their order. One that is registered already is in,
   * and nothing is announced of it again.
   *
   * @returns undefined if the node has no lease: nothing was registered. (More than 256 go in several steps; where the
   * lease is lost between them, what went before is swept with the rest.)
   */
  register(
    node: string,
    connections: readonly NewConnection[],
    limits: RegistryLimits,
  ): Promise<Admission[] | undefined>;
  /** Takes connections out; those that are not in are passed over. */
  unregister(removals: readonly Removal[]): Promise<void>;
  /** Changes the channels of a connection; sent again it does and announces nothing. @returns false if it is not registered */
  update(connection: NewConnection): Promise<boolean>;
  get(id: string): Promise<ConnectionRecord | undefined>;
  /**
   * A page in the order of the index that the filter names.
   *
   * @param after `next` of the page before, with the same filter
   * @throws InvalidArgumentError for a filter that no index serves, and for any other `after`
   */
  list(filter: ConnectionFilter, limit: number, after: string | undefined): Promise<ConnectionPage>;
  /** Does not depend on how many there are. */
  count(filter: ConnectionFilter): Promise<number>;
  presence(channel: string, limit: number, after: string | undefined): Promise<PresencePage>;
  nodes(): Promise<NodeRecord[]>;
  /** Notes that a node owns the run of a channel, so that a sweep finds it. @returns false if the node has no lease */
  addRuns(node: string, channels: readonly string[]): Promise<boolean>;
  removeRuns(node: string, channels: readonly string[]): Promise<void>;
  /**
   * Removes some of what a node left behind whose lease has run out: at most `pieceSize` connections in one atomic
   * step, with their indexes, and announces their departures. Held by one node at a time.
   *
   * @param by the node that sweeps: nothing is removed where its own lease has run out
   * @param lockTtl for how long (ms) others keep out if this one is not heard of again
   */
  sweep(by: string, lockTtl: number, pieceSize: number): Promise<SweptPiece>;
  /**
   * The same for a node that leaves in good order, whatever its lease; takes no lock. It keeps its lease until its last
   * connection goes, so that nobody takes it for dead meanwhile. Runs that it could not end are left to a sweep.
   */
  leave(node: string, reason: string, pieceSize: number): Promise<SweptPiece>;
}
