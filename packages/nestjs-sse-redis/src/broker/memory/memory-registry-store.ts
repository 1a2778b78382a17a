import { fromCursor, toListedRange, toIndexRange, toCursor, type IndexRange } from '../connection-range.js';
import type {
  Admission,
  ConnectionChange,
  ConnectionFilter,
  ConnectionPage,
  ConnectionRecord,
  NewConnection,
  NodeDescription,
  NodeRecord,
  PresencePage,
  RegistryLimits,
  RegistryStore,
  Removal,
  Renewal,
  RenewalOptions,
  SweptPiece,
} from '../registry-store.interface.js';
import { MemoryIndex } from './memory-index.js';

interface Lease {
  readonly node: NodeDescription;
  readonly since: number;
  expires: number;
  /** It is being swept: whoever comes back takes a new one. */
  isOver: boolean;
}

/** The registry of a process that is alone, by the same rules. */
export class MemoryRegistryStore implements RegistryStore {
  private readonly connections = new Map<string, ConnectionRecord>();
  private readonly leases = new Map<string, Lease>();
  private readonly byNode = new MemoryIndex();
  private readonly byUser = new MemoryIndex();
  private readonly byChannel = new MemoryIndex();
  private readonly byAddress = new MemoryIndex();
  private readonly runs = new MemoryIndex();

  constructor(private readonly announce: (changes: readonly ConnectionChange[]) => void) {}

  async renew(
    node: NodeDescription,
    ttl: number,
    { next = 0, count = true }: RenewalOptions = {},
  ): Promise<Renewal> {
    await Promise.resolve();
    const now = Date.now();
    const lease = this.leases.get(node.id);
    const isNew = !lease || lease.isOver;
    if (isNew) this.leases.set(node.id, { node, since: now, expires: now + ttl, isOver: false });
    else lease.expires = now + ttl;
    const expiries = [...this.leases].flatMap(([id, { expires, isOver }]) =>
      id === node.id ? [] : [isOver ? 0 : expires],
    );
    const runsOut = Math.max(0, Math.min(...expiries) - now);
    return {
      isNew,
      connections: count ? this.byNode.count(node.id) : undefined,
      runsOut: runsOut <= next ? runsOut : undefined,
    };
  }

  async register(
    node: string,
    connections: readonly NewConnection[],
    limits: RegistryLimits,
  ): Promise<Admission[] | undefined> {
    await Promise.resolve();
    const lease = this.leases.get(node);
    if (!lease || lease.isOver) return undefined;
    const at = Date.now();
    const changes: ConnectionChange[] = [];
    const admissions = connections.map((connection): Admission => {
      if (this.connections.has(connection.id)) return 'admitted';
      const { user, address } = connection;
      const { connectionsPerUser, connectionsPerAddress } = limits;
      if (isFull(this.byUser, user, connectionsPerUser)) return 'user-limit';
      if (isFull(this.byAddress, address, connectionsPerAddress)) return 'address-limit';
      const record = { ...connection, since: at };
      this.put(record);
      changes.push({ type: 'connected', at, connection: record });
      return 'admitted';
    });
    this.tell(changes);
    return admissions;
  }

  async unregister(removals: readonly Removal[]): Promise<void> {
    await Promise.resolve();
    this.remove(removals);
  }

  async update(connection: NewConnection): Promise<boolean> {
    await Promise.resolve();
    const before = this.connections.get(connection.id);
    if (!before) return false;
    this.take(before);
    const record = { ...connection, since: before.since };
    this.put(record);
    const at = Date.now();
    const changes: ConnectionChange[] = [];
    // By what was registered: an update that is sent again is announced once.
    const added = channelsOnlyIn(record, before);
    const removed = channelsOnlyIn(before, record);
    if (added.length > 0) changes.push({ type: 'subscribed', at, connection: record, channels: added });
    if (removed.length > 0) changes.push({ type: 'unsubscribed', at, connection: record, channels: removed });
    this.tell(changes);
    return true;
  }

  async get(id: string): Promise<ConnectionRecord | undefined> {
    await Promise.resolve();
    return this.connections.get(id);
  }

  async list(filter: ConnectionFilter, limit: number, after: string | undefined): Promise<ConnectionPage> {
    await Promise.resolve();
    const range = toListedRange(filter);
    const last = after === undefined ? undefined : fromCursor(after, range.prefix);
    const members = this.getIds(filter)
      .map((id) => ({ id, member: this.toMember(range, id) }))
      .filter(({ member }) => last === undefined || compareBytes(member, last) > 0)
      .sort((a, b) => compareBytes(a.member, b.member));
    const page = members.slice(0, limit);
    const connections = page.map(({ id }) => this.connections.get(id)!);
    return { connections, next: members.length > limit ? toCursor(page.at(-1)!.member) : undefined };
  }

  async count(filter: ConnectionFilter): Promise<number> {
    await Promise.resolve();
    const range = toIndexRange(filter);
    if (range.index === 'address') return this.byAddress.count(range.of);
    const { user, channel, node } = filter;
    if (node !== undefined) return this.byNode.count(node);
    if (user !== undefined && channel !== undefined) return this.getIds(filter).length;
    if (user !== undefined) return this.byUser.count(user);
    return channel === undefined ? this.connections.size : this.byChannel.count(channel);
  }

  async presence(channel: string, limit: number, after: string | undefined): Promise<PresencePage> {
    await Promise.resolve();
    const counts = new Map<string, number>();
    let anonymous = 0;
    for (const id of this.byChannel.ids(channel)) {
      const { user } = this.connections.get(id)!;
      if (user === undefined) anonymous++;
      else counts.set(user, (counts.get(user) ?? 0) + 1);
    }
    const last = after === undefined ? undefined : fromCursor(after);
    const all = [...counts.keys()]
      .filter((user) => last === undefined || compareBytes(user, last) > 0)
      .sort(compareBytes);
    const users = all.slice(0, limit).map((user) => ({ user, connections: counts.get(user)! }));
    const connections = this.byChannel.count(channel);
    return {
      connections,
      anonymous,
      users,
      next: all.length > limit ? toCursor(users.at(-1)!.user) : undefined,
    };
  }

  async nodes(): Promise<NodeRecord[]> {
    await Promise.resolve();
    const now = Date.now();
    return [...this.leases.values()]
      .filter(({ expires, isOver }) => !isOver && expires > now)
      .map(({ node: { id, host, pid }, since, expires }) => ({
        id,
        host,
        pid,
        since,
        expires,
        connections: this.byNode.count(id),
      }));
  }

  async addRuns(node: string, channels: readonly string[]): Promise<boolean> {
    await Promise.resolve();
    const lease = this.leases.get(node);
    if (!lease || lease.isOver) return false;
    for (const channel of channels) this.runs.add(node, channel);
    return true;
  }

  async removeRuns(node: string, channels: readonly string[]): Promise<void> {
    await Promise.resolve();
    for (const channel of channels) this.runs.delete(node, channel);
  }

  async sweep(by: string, _lockTtl: number, pieceSize: number): Promise<SweptPiece> {
    await Promise.resolve();
    const over = [...this.leases].filter(([, { expires, isOver }]) => isOver || expires <= Date.now());
    // Not where its own lease has run out: the others live as it does, perhaps.
    const dead = over.some(([id]) => id === by) ? undefined : over[0];
    if (!dead) return { node: undefined, removed: 0, runs: [], more: false, locked: false };
    dead[1].isOver = true;
    return { ...this.removePiece(dead[0], 'node-lost', pieceSize), more: true };
  }

  async leave(node: string, reason: string, pieceSize: number): Promise<SweptPiece> {
    await Promise.resolve();
    return this.removePiece(node, reason, pieceSize);
  }

  private removePiece(node: string, reason: string, pieceSize: number): SweptPiece {
    const ids = [...this.byNode.ids(node)].slice(0, pieceSize);
    this.remove(ids.map((id) => ({ id, reason })));
    const more = ids.length === pieceSize;
    const runs = [...this.runs.ids(node)].slice(0, pieceSize);
    const lease = this.leases.get(node);
    if (!more && runs.length === 0) this.leases.delete(node);
    // Runs that it could not end are for those who sweep.
    else if (!more && lease) lease.isOver = true;
    return { node, removed: ids.length, runs, more, locked: false };
  }

  private getIds({ user, channel, node }: ConnectionFilter): string[] {
    const ids =
      node !== undefined
        ? this.byNode.ids(node)
        : channel !== undefined
          ? this.byChannel.ids(channel)
          : user !== undefined
            ? this.byUser.ids(user)
            : this.connections.keys();
    const isOfUser = (id: string) => user === undefined || this.connections.get(id)!.user === user;
    return [...ids].filter(isOfUser);
  }

  private toMember({ index }: IndexRange, id: string): string {
    return index === 'channel' ? `${this.connections.get(id)!.user ?? ''}\0${id}` : id;
  }

  private remove(removals: readonly Removal[]): void {
    const at = Date.now();
    const changes: ConnectionChange[] = [];
    for (const { id, reason } of removals) {
      const connection = this.connections.get(id);
      if (!connection) continue;
      this.take(connection);
      changes.push({ type: 'disconnected', at, reason, connection });
    }
    this.tell(changes);
  }

  private tell(changes: readonly ConnectionChange[]): void {
    if (changes.length > 0) this.announce(changes);
  }

  private put(record: ConnectionRecord): void {
    this.connections.set(record.id, record);
    this.byNode.add(record.node, record.id);
    this.byUser.add(record.user, record.id);
    this.byAddress.add(record.address, record.id);
    for (const channel of record.channels) this.byChannel.add(channel, record.id);
  }

  private take(record: ConnectionRecord): void {
    this.connections.delete(record.id);
    this.byNode.delete(record.node, record.id);
    this.byUser.delete(record.user, record.id);
    this.byAddress.delete(record.address, record.id);
    for (const channel of record.channels) this.byChannel.delete(channel, record.id);
  }
}

function isFull(index: MemoryIndex, of: string | undefined, limit: number): boolean {
  return limit > 0 && of !== undefined && index.count(of) >= limit;
}

function channelsOnlyIn({ channels }: ConnectionRecord, other: ConnectionRecord): string[] {
  return [...new Set(channels)].filter((channel) => !other.channels.includes(channel));
}

/** As Redis orders: by the bytes of UTF-8. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
