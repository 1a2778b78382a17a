import { until, type AdapterName } from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import type { Balancer } from './balancer.js';
import { CLIENTS } from './client-names.js';
import { ownId, type ClientState } from './client-state.js';
import { Deployment } from './deployment.js';
import type { Fleet, Shipyard } from './fleet.js';
import type { Seen } from './watch-event-source.js';

/** Longer than any of it takes on a busy machine. */
const PATIENCE = { timeout: 60_000, interval: 50 };

export interface SceneOptions {
  readonly shipyard: Shipyard;
  readonly adapter: AdapterName;
  /** The URL of Redis. */
  readonly redis: string;
  readonly channels: readonly string[];
  readonly options?: SseRedisOptions;
  /** Whether a second fleet is told positions by blocks of an id alone. */
  readonly control?: boolean;
  /** The clients that close at `end`; default: all. */
  readonly closeOnEnd?: readonly string[];
}

/** What a scenario is played with: a deployment, every client on it, and the events that were published. */
export class Scene {
  /** In the order of their ids. */
  readonly published: (Seen & { readonly channel: string })[] = [];
  private count = 0;

  static async open(options: SceneOptions): Promise<Scene> {
    const { shipyard, adapter, redis, channels, control = false, closeOnEnd = CLIENTS } = options;
    const deployment = await Deployment.start(adapter, redis, options.options ?? {});
    const launch = async ({ origin }: Balancer, fleet: string) =>
      shipyard.launch({ origin, channels, fleet, closeOnEnd });
    const fleets = await Promise.all([
      launch(deployment.events, 'events'),
      ...(control ? [launch(deployment.idOnly, 'id-only')] : []),
    ]);
    return new Scene(deployment, fleets);
  }

  private constructor(
    readonly deployment: Deployment,
    private readonly fleets: readonly Fleet[],
  ) {}

  /** Publishes events of the type `tick` in the second process, in one batch. */
  async publish(channel: string, count: number): Promise<void> {
    const data = Array.from({ length: count }, () => ({ n: ++this.count }));
    const events = data.map((data) => ({ channel, type: 'tick', data }));
    const ids = await this.deployment.ask<string[]>({ kind: 'publish', events });
    ids.forEach((id, i) => {
      this.published.push({ id, channel, type: 'tick', data: JSON.stringify(data[i]) });
    });
  }

  /** Waits until every stream is open and has carried a position. A client of which it is cut then knows the position. */
  async placed(since = 0): Promise<void> {
    const { events, idOnly } = this.deployment;
    await until(
      async () =>
        (await this.every(({ readyState }) => readyState === 'open')) &&
        events.countTold(since) + idOnly.countTold(since) >= this.fleets.length * CLIENTS.length,
      { ...PATIENCE, message: `each client is told a position since ${since}` },
    );
  }

  /** Waits until every client has the newest event. */
  async received(): Promise<void> {
    const { id } = this.published.at(-1)!;
    await this.all(`each client has the event ${id}`, ({ seen }) =>
      seen.some((event) => ownId(event) === id),
    );
  }

  /** Waits until this is true of every client. */
  async all(message: string, isTrue: (state: ClientState) => boolean): Promise<void> {
    await until(() => this.every(isTrue), { ...PATIENCE, message });
  }

  /** Waits until every client has asked the second process for its stream. */
  async back(): Promise<void> {
    const isAway = (who: string): boolean => this.deployment.countArrivalsAtSecond(who) === 0;
    await until(() => none(this.who().filter(isAway)), {
      ...PATIENCE,
      message: 'each client is back at the second process',
    });
  }

  /** Breaks every connection, and waits until each client has come again. */
  async cut(): Promise<void> {
    const before = this.who().map((who) => this.deployment.countArrivals(who));
    this.deployment.events.cut();
    this.deployment.idOnly.cut();
    const isAway = (who: string, i: number): boolean => this.deployment.countArrivals(who) === before[i];
    await until(() => none(this.who().filter(isAway)), { ...PATIENCE, message: 'each client is back' });
  }

  /** @param fleet `events`, or `id-only` for the negative control */
  async states(fleet: string): Promise<Map<string, ClientState>> {
    return this.fleets.find(({ name }) => name === fleet)!.states();
  }

  async close(): Promise<void> {
    await Promise.all(this.fleets.map((fleet) => fleet.close()));
    await this.deployment.stop();
  }

  private who(): string[] {
    return this.fleets.flatMap(({ name }) => CLIENTS.map((client) => `${name}/${client}`));
  }

  private async every(isTrue: (state: ClientState) => boolean): Promise<boolean> {
    const states = await Promise.all(this.fleets.map((fleet) => fleet.states()));
    const others = states.flatMap((fleet, i) =>
      [...fleet].filter(([, state]) => !isTrue(state)).map(([name]) => `${this.fleets[i]!.name}/${name}`),
    );
    return none(others);
  }
}

/** Throws the names of clients, which `until` shows when its time is up. */
function none(clients: readonly string[]): true {
  if (clients.length > 0) throw new Error(`not so: ${clients.join(', ')}`);
  return true;
}
