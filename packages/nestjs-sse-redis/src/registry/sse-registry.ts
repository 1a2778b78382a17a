import { filter, mergeMap, share, type Observable } from 'rxjs';
import {
  CHANGES_CHANNEL,
  type ConnectionChange,
  type ConnectionFilter,
  type ConnectionPage,
  type ConnectionRecord,
  type NodeRecord,
  type PresencePage,
  type RegistryStore,
} from '../broker/registry-store.interface.js';
import type { SseEvent } from '../event/sse-event.js';
import { checkOptions } from '../event/known-options.js';
import { describeValue } from '../event/describe-value.js';
import type { NodeRegistration } from './node-registration.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const FILTER_FIELDS: ReadonlySet<string> = new Set(['user', 'channel', 'node', 'address']);

/** Which page of a list. */
export interface PageOptions {
  /** At most so many. Default 100, at most 1,000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Some changes were no longer retained when this process could read them: read anew what they were watched for. */
export interface ChangesGap {
  readonly type: 'gap';
}

/** Connections of all processes: who is connected, where, on which channels, and who comes and goes. */
export class SseRegistry {
  /**
   * Arrivals and departures in all processes, and changes of channels; each once. However many subscribe, this process
   * listens once. It may be subscribed to in a constructor: it waits for the start, and for Redis where that is away.
   */
  readonly changes: Observable<ConnectionChange | ChangesGap>;

  /** @internal */
  constructor(
    private readonly store: RegistryStore,
    private readonly registration: NodeRegistration,
    eventsOf: (channel: string) => Observable<SseEvent>,
  ) {
    this.changes = eventsOf(CHANGES_CHANNEL).pipe(
      mergeMap((event): (ConnectionChange | ChangesGap)[] =>
        event.type === 'gap' ? [{ type: 'gap' }] : (event.data as ConnectionChange[]),
      ),
      share(),
    );
  }

  /**
   * A connection, in whatever process it is.
   *
   * @throws RedisUnavailableError, as all that asks the registry
   */
  async get(id: string): Promise<ConnectionRecord | undefined> {
    return this.store.get(id);
  }

  /**
   * Connections: all, those of a user, of a channel, of a user on a channel, or of a process (node).
   *
   * @example
   * ```ts
   * let page = await registry.list({ channel: 'room:7' });
   * while (page.next) page = await registry.list({ channel: 'room:7' }, { after: page.next });
   * ```
   */
  async list(filter: ConnectionFilter = {}, options: PageOptions = {}): Promise<ConnectionPage> {
    return this.store.list(parseFilter(filter), parseLimit(options), options.after);
  }

  /** How many there are; costs the same however many. */
  async count(filter: ConnectionFilter = {}): Promise<number> {
    return this.store.count(parseFilter(filter));
  }

  /** The users of a channel, each with the number of their connections there. */
  async presence(channel: string, options: PageOptions = {}): Promise<PresencePage> {
    return this.store.presence(channel, parseLimit(options), options.after);
  }

  /** Whether a user has a connection in any process. */
  async isOnline(user: string | number): Promise<boolean> {
    if (typeof user === 'object' && user !== null)
      throw new InvalidArgumentError(`isOnline() takes the id of a user, it got ${describeValue(user)}.`);
    return (await this.store.count({ user: String(user) })) > 0;
  }

  /** The processes that have a lease, this one among them. */
  async nodes(): Promise<NodeRecord[]> {
    return this.store.nodes();
  }

  /** The changes that concern a channel, or a user. @throws InvalidArgumentError when called */
  changesOf(
    of: { readonly channel: string } | { readonly user: string },
  ): Observable<ConnectionChange | ChangesGap> {
    const { user, channel } = parseFilter(of);
    if ((user === undefined) === (channel === undefined) || Object.keys(of).length > 1)
      throw new InvalidArgumentError('changesOf() takes { channel } or { user }, one of them.');
    return this.changes.pipe(
      filter((change) => {
        if (change.type === 'gap') return true;
        if (user !== undefined) return change.connection.user === user;
        return (change.channels ?? change.connection.channels).includes(channel!);
      }),
    );
  }

  /**
   * Removes at once what dead processes left behind, instead of waiting for the timer.
   *
   * @returns how many connections that were; 0 also while another process is at it
   */
  async sweep(): Promise<number> {
    return this.registration.sweeper.sweep();
  }
}

/**
 * A filter whose values are all missing must not mean everybody: `{ user: request.user?.id }`.
 *
 * @throws InvalidArgumentError
 */
function parseFilter(filter: ConnectionFilter): ConnectionFilter {
  checkOptions('The filter of connections', filter, FILTER_FIELDS);
  const given = Object.entries(filter as Record<string, unknown>);
  if (given.length > 0 && given.every(([, value]) => value === undefined)) {
    throw new InvalidArgumentError(
      `A filter of connections has only undefined in ${given.map(([name]) => name).join(', ')}: check where it comes from. For all connections leave the filter out.`,
    );
  }
  for (const [name, value] of given) {
    if (value === undefined || typeof value === 'string' || (name === 'user' && typeof value === 'number'))
      continue;
    throw new InvalidArgumentError(
      `A filter of connections takes a string as ${name}, it got ${describeValue(value)}.`,
    );
  }
  return typeof (filter.user as unknown) === 'number' ? { ...filter, user: String(filter.user) } : filter;
}

function parseLimit({ limit = DEFAULT_LIMIT }: PageOptions): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new InvalidArgumentError(
    `limit takes a whole number from 1 to ${MAX_LIMIT}, it got ${describeValue(limit)}.`,
  );
}
