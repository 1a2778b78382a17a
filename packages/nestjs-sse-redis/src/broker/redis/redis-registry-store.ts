import { UnexpectedReplyError } from '../../errors/unexpected-reply.error.js';
import type { ResolvedOptions } from '../../options/resolved-options.js';
import { fromCursor, toListedRange, toIndexRange, toCursor, type IndexRange } from '../connection-range.js';
import {
  CHANGES_CHANNEL,
  type Admission,
  type ConnectionFilter,
  type ConnectionPage,
  type ConnectionRecord,
  type NewConnection,
  type NodeDescription,
  type NodeRecord,
  type PresencePage,
  type RegistryLimits,
  type RegistryStore,
  type Removal,
  type Renewal,
  type RenewalOptions,
  type SweptPiece,
} from '../registry-store.interface.js';
import { toChunks } from '../../util/chunks.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import type { Probe, ProbeRun } from './probe.js';
import { RegistryKeys } from './registry-keys.js';
import { Script } from './script.js';
import registerLua from './scripts/registry/register.lua.js';
import unregisterLua from './scripts/registry/unregister.lua.js';
import updateLua from './scripts/registry/update.lua.js';
import renewLua from './scripts/registry/renew.lua.js';
import sweepLua from './scripts/registry/sweep.lua.js';
import listLua from './scripts/registry/list.lua.js';
import countLua from './scripts/registry/count.lua.js';
import presenceLua from './scripts/registry/presence.lua.js';
import nodesLua from './scripts/registry/nodes.lua.js';
import getLua from './scripts/registry/get.lua.js';
import runsLua from './scripts/registry/runs.lua.js';

const REGISTER = new Script(registerLua, true);
const UNREGISTER = new Script(unregisterLua, true);
const UPDATE = new Script(updateLua, true);
const RENEW = new Script(renewLua, true);
const SWEEP = new Script(sweepLua, true);
const LIST = new Script(listLua);
const COUNT = new Script(countLua);
const PRESENCE = new Script(presenceLua);
const NODES = new Script(nodesLua);
const GET = new Script(getLua);
const RUNS = new Script(runsLua);

/** How many connections one run of a script registers or removes: Redis does nothing else meanwhile. */
const CONNECTIONS_PER_CALL = 256;
/** Changes are for those who follow them; who comes later reads the registry. */
const CHANGES_KEPT = 200;
const ADMISSIONS: readonly (Admission | undefined)[] = [undefined, 'admitted', 'user-limit', 'address-limit'];

/** The registry in Redis: what each script does is one atomic step, its announcement included. */
export class RedisRegistryStore implements RegistryStore {
  private readonly clockKey: string;
  private readonly db: number;
  private readonly keys: RegistryKeys;
  private readonly sharedKeys: readonly string[];
  private readonly sharedArgs: readonly (string | number)[];

  constructor(
    private readonly commands: Commands,
    keys: Keys,
    private readonly options: ResolvedOptions,
    private readonly probe: Probe,
  ) {
    this.clockKey = keys.clock;
    this.db = keys.db;
    this.keys = new RegistryKeys(keys.tag);
    const { nodes, connections, all, users, channels, addresses } = this.keys;
    this.sharedKeys = [
      ...[keys.clock, keys.log(CHANGES_CHANNEL), nodes],
      ...[connections, all, users, channels, addresses],
    ];
    this.sharedArgs = [keys.pubSubChannel(CHANGES_CHANNEL), CHANGES_KEPT, options.ttl];
  }

  async renew(
    { id, host, pid }: NodeDescription,
    ttl: number,
    { next = 0, count = true, pace = 1 }: RenewalOptions = {},
  ): Promise<Renewal> {
    const { nodes, info, all } = this.keys;
    const run = this.probe.take(pace);
    try {
      const reply = await this.commands.read(RENEW, {
        keys: [nodes, info, all, this.clockKey],
        args: [
          ...[id, ttl, JSON.stringify({ host, pid }), next, count ? 1 : 0],
          ...[this.options.ttl, run?.channel ?? '', run?.heard ?? 0, run?.recent ?? 0, this.db],
        ],
      });
      const [isNew, connections, runsOut, ...proof] = reply as [
        number,
        number,
        number,
        ...(number | Buffer)[],
      ];
      this.commands.outage.accepted();
      if (run) this.answered(run, proof);
      return {
        isNew: isNew === 1,
        connections: connections < 0 ? undefined : connections,
        runsOut: runsOut < 0 ? undefined : runsOut,
      };
    } catch (error) {
      if (run) this.probe.failed(run);
      throw error;
    }
  }

  private answered(run: ProbeRun, [proof, ...rest]: readonly (number | Buffer)[]): void {
    if (typeof proof === 'number') return this.probe.answered(run, [proof, ...(rest as number[])]);
    // The lease is renewed all the same, so that nobody gets this error.
    if (proof) this.commands.refuse(new Error(String(proof)));
    this.probe.failed(run);
  }

  async register(
    node: string,
    connections: readonly NewConnection[],
    limits: RegistryLimits,
  ): Promise<Admission[] | undefined> {
    const { connectionsPerUser, connectionsPerAddress } = limits;
    const replies = await this.commands.askAll(
      REGISTER,
      toChunks(connections, CONNECTIONS_PER_CALL).map((some) => ({
        keys: this.sharedKeys,
        args: [
          ...this.sharedArgs,
          node,
          connectionsPerUser,
          connectionsPerAddress,
          ...some.flatMap((connection) => [
            connection.id,
            toIndexKind(connection),
            JSON.stringify(connection),
          ]),
        ],
      })),
    );
    if (replies.includes(null)) return undefined;
    return (replies as number[][]).flat().map((outcome) => ADMISSIONS[outcome]!);
  }

  async unregister(removals: readonly Removal[]): Promise<void> {
    await this.commands.readAll(
      UNREGISTER,
      toChunks(removals, CONNECTIONS_PER_CALL).map((some) => ({
        keys: this.sharedKeys,
        args: [...this.sharedArgs, ...some.flatMap(({ id, reason }) => [id, JSON.stringify(reason)])],
      })),
    );
  }

  async update(connection: NewConnection): Promise<boolean> {
    const reply = await this.commands.read(UPDATE, {
      keys: this.sharedKeys,
      args: [...this.sharedArgs, connection.id, toIndexKind(connection), JSON.stringify(connection)],
    });
    return reply === 1;
  }

  async get(id: string): Promise<ConnectionRecord | undefined> {
    const reply = await this.commands.ask(GET, { keys: [this.keys.connections], args: [id] });
    return reply === null ? undefined : parseConnection(reply as Buffer);
  }

  async list(filter: ConnectionFilter, limit: number, after: string | undefined): Promise<ConnectionPage> {
    const range = toListedRange(filter);
    const { key, beginning } = this.toIndex(range);
    const [min, max] = lexRange(beginning + range.prefix);
    const reply = (await this.commands.ask(LIST, {
      keys: [this.keys.connections, key],
      args: [after === undefined ? min : `(${beginning}${fromCursor(after, range.prefix)}`, max, limit],
    })) as (Buffer | null)[];
    const connections: ConnectionRecord[] = [];
    for (let i = 1; i < Math.min(reply.length, 2 * limit); i += 2) {
      const record = reply[i];
      if (record) connections.push(parseConnection(record));
    }
    const isMore = reply.length > 2 * limit;
    return {
      connections,
      next: isMore ? toCursor(reply[2 * limit - 2]!.toString().slice(beginning.length)) : undefined,
    };
  }

  async count(filter: ConnectionFilter): Promise<number> {
    const range = toIndexRange(filter);
    if (range.index === 'address') {
      const args = ['address', range.of];
      return (await this.commands.ask(COUNT, { keys: [this.keys.addresses], args })) as number;
    }
    const { key, beginning } = this.toIndex(range);
    const prefix = beginning + range.prefix;
    const args = prefix === '' ? ['', ''] : lexRange(prefix);
    return (await this.commands.ask(COUNT, { keys: [key], args })) as number;
  }

  async presence(channel: string, limit: number, after: string | undefined): Promise<PresencePage> {
    const reply = (await this.commands.ask(PRESENCE, {
      keys: [this.keys.channels],
      args: [channel, after === undefined ? '' : fromCursor(after), limit],
    })) as [number, number, number, ...(Buffer | number)[]];
    const [connections, anonymous, isMore, ...pairs] = reply;
    const users = [];
    for (let i = 0; i < pairs.length; i += 2) {
      users.push({ user: String(pairs[i]), connections: Number(pairs[i + 1]) });
    }
    return { connections, anonymous, users, next: isMore === 1 ? toCursor(users.at(-1)!.user) : undefined };
  }

  async nodes(): Promise<NodeRecord[]> {
    const { nodes, info, all } = this.keys;
    const reply = (await this.commands.ask(NODES, { keys: [nodes, info, all], args: [] })) as (
      | Buffer
      | number
    )[];
    const records: NodeRecord[] = [];
    for (let i = 0; i < reply.length; i += 4) {
      const [since, description] = String(reply[i + 2]).split('\n');
      const { host = '', pid = 0 } = JSON.parse(description ?? '{}') as Partial<NodeDescription>;
      records.push({
        id: String(reply[i]),
        host,
        pid,
        since: Number(since),
        expires: Number(reply[i + 1]),
        connections: Number(reply[i + 3]),
      });
    }
    return records;
  }

  async addRuns(node: string, channels: readonly string[]): Promise<boolean> {
    return (await this.noteRuns(node, 1, channels)) === 1;
  }

  async removeRuns(node: string, channels: readonly string[]): Promise<void> {
    await this.noteRuns(node, 0, channels);
  }

  private noteRuns(node: string, isAdded: 0 | 1, channels: readonly string[]): Promise<unknown> {
    const { nodes, runs } = this.keys;
    return this.commands.ask(RUNS, { keys: [nodes, runs], args: [node, isAdded, ...channels] });
  }

  sweep(by: string, lockTtl: number, pieceSize: number): Promise<SweptPiece> {
    return this.removePiece([by, lockTtl, pieceSize, '', '"node-lost"']);
  }

  leave(node: string, reason: string, pieceSize: number): Promise<SweptPiece> {
    return this.removePiece([node, 0, pieceSize, node, JSON.stringify(reason)]);
  }

  private async removePiece(args: readonly (string | number)[]): Promise<SweptPiece> {
    const reply = await this.commands.read(SWEEP, {
      keys: [...this.sharedKeys, this.keys.lock, this.keys.info, this.keys.runs],
      args: [...this.sharedArgs, ...args],
    });
    const [node, removed, more, runs, locked] = reply as [Buffer, number, number, Buffer[], number];
    return {
      node: node.length === 0 ? undefined : node.toString(),
      removed,
      runs: runs.map(String),
      more: more === 1,
      locked: locked === 1,
    };
  }

  /** The key of an index, and with what the members begin that are of this user or channel. */
  private toIndex({ index, of }: IndexRange): { key: string; beginning: string } {
    if (index === 'all') return { key: this.keys.all, beginning: '' };
    return { key: index === 'user' ? this.keys.users : this.keys.channels, beginning: `${of}\0` };
  }
}

/** The second line of a record: what Lua must know of it. */
function toIndexKind({ user, address, channels }: NewConnection): string {
  return JSON.stringify([user ?? '', address ?? '', ...channels]);
}

function parseConnection(record: Buffer): ConnectionRecord {
  const [since, , json] = record.toString().split('\n');
  if (json === undefined) throw new UnexpectedReplyError('A connection in Redis is not what the hub wrote.');
  return { ...(JSON.parse(json) as NewConnection), since: Number(since) };
}

/** All members that begin with a prefix; its last character is none that may follow it by one. */
function lexRange(prefix: string): [string, string] {
  if (prefix === '') return ['-', '+'];
  const last = prefix.length - 1;
  return [`[${prefix}`, `(${prefix.slice(0, last)}${String.fromCharCode(prefix.charCodeAt(last) + 1)}`];
}
