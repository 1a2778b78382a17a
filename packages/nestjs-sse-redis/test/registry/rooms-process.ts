import { AppProcess, Crowd, type AdapterName, type CrowdMember } from '@nestjs-sse-redis/testing';
import type {
  ConnectionFilter,
  ConnectionPage,
  ConnectionRecord,
  ConnectionsResult,
  HubStats,
  NodeRecord,
  PresencePage,
  SendOutcome,
  SseRedisOptions,
} from 'nestjs-sse-redis';

/** One process of the application of rooms, and the crowd that is connected to it. */
export class RoomsProcess {
  crowd: Crowd | undefined;

  static async start(adapter: AdapterName, options: SseRedisOptions): Promise<RoomsProcess> {
    const app = await AppProcess.start(new URL('./rooms.process.ts', import.meta.url), {
      args: [adapter, JSON.stringify(options)],
    });
    return new RoomsProcess(app, await app.request<string>({ of: 'node' }));
  }

  private constructor(
    readonly app: AppProcess,
    readonly nodeId: string,
  ) {}

  async connect(members: readonly CrowdMember[]): Promise<Crowd> {
    return (this.crowd = await Crowd.connect(this.app.port, members));
  }

  async changes() {
    const heard = await this.app.request<{ changes: [string, string, string?][]; gaps: number }>({
      of: 'changes',
    });
    return { gaps: heard.gaps, all: heard.changes.map(([type, id, reason]) => ({ type, id, reason })) };
  }

  readonly count = (filter: ConnectionFilter = {}) => this.registry<number>('count', filter);
  readonly isOnline = (user: string) => this.registry<boolean>('isOnline', user);
  readonly nodes = () => this.registry<NodeRecord[]>('nodes');
  readonly get = (id: string) => this.registry<ConnectionRecord | undefined>('get', id);
  readonly sweep = () => this.registry<number>('sweep');
  readonly stats = () => this.hub<HubStats>('stats');
  readonly sendTo = (id: string, data: unknown) => this.hub<SendOutcome>('sendTo', id, { data });
  readonly publish = (channel: string, data: unknown) =>
    this.hub<{ id: string }>('publish', channel, { data });

  /** Every connection of a filter, by pages. */
  async list(filter: ConnectionFilter = {}): Promise<ConnectionRecord[]> {
    const all: ConnectionRecord[] = [];
    for (let after: string | undefined; ;) {
      const page = await this.registry<ConnectionPage>('list', filter, { limit: 1_000, after });
      all.push(...page.connections);
      after = page.next;
      if (after === undefined) return all;
    }
  }

  async presence(channel: string): Promise<Map<string, number>> {
    const users = new Map<string, number>();
    for (let after: string | undefined; ;) {
      const page = await this.registry<PresencePage>('presence', channel, { limit: 1_000, after });
      for (const { user, connections } of page.users) users.set(user, connections);
      after = page.next;
      if (after === undefined) return users;
    }
  }

  rule(what: 'disconnect' | 'subscribe' | 'unsubscribe', ...args: readonly unknown[]) {
    return this.hub<ConnectionsResult>(what, ...args);
  }

  private registry<T>(call: string, ...args: readonly unknown[]): Promise<T> {
    return this.app.request<T>({ of: 'registry', call, args });
  }

  hub<T>(call: string, ...args: readonly unknown[]): Promise<T> {
    return this.app.request<T>({ of: 'hub', call, args });
  }

  async kill(): Promise<void> {
    await this.app.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.crowd?.drop();
    if (this.app.isRunning) await this.kill();
  }
}
