import {
  ReconnectingClient,
  RedisSetUp,
  redisSetUps,
  SseStream,
  startApp,
  until,
  type RedisServer,
  type RedisSetUpName,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseHub, type HistoryPage, type SseEvent, type SseRedisOptions } from 'nestjs-sse-redis';
import type { Observable, Subscription } from 'rxjs';
import { newsModule } from '../http/news.app.js';

type BrokerName = 'memory' | RedisSetUpName;

const toCases = <T extends BrokerName>(names: readonly T[]) => names.map((broker) => ({ broker }));

/** What suites run over. `BROKERS=sentinel,cluster,cluster-3` for others, which take longer. */
const chosen = (process.env['BROKERS']?.split(',') as BrokerName[]) ?? ['redis', 'memory'];
export const brokers = toCases(chosen);
export const redisBrokers = toCases(redisSetUps.filter((name) => chosen.includes(name)));
/** For the suites of what a hub is there for. */
export const allBrokers = toCases(['memory', ...redisSetUps]);

/** Hubs in applications of their own, each with a prefix of its own, and what listens to them. All is closed after the test. */
export class Hubs {
  #setUp: RedisSetUp | undefined;
  readonly #open: (() => unknown)[] = [];

  /** To be called in a `describe`. */
  static over(broker: BrokerName): Hubs {
    const hubs = new Hubs(broker);
    beforeAll(async () => {
      if (broker !== 'memory') hubs.#setUp = await RedisSetUp.start(broker);
    });
    afterEach(() => hubs.#closeAll());
    afterAll(() => hubs.#setUp?.stop());
    return hubs;
  }

  private constructor(private readonly broker: BrokerName) {}

  /** Where it is but one. */
  get redis(): RedisServer {
    const { server } = this.#setUp!;
    if (!server) throw new Error(`${this.broker} has no server that is all of it`);
    return server;
  }

  /** For a publisher beside the hubs. */
  get connection(): RedisSetUp['options'] {
    return this.#setUp!.options;
  }

  async start(options: SseRedisOptions = {}): Promise<TestHub> {
    const running = await startApp(
      newsModule({
        prefix: randomUUID(),
        ...this.#setUp?.options,
        ...options,
      }),
      'express',
    );
    const hub = new TestHub(running, this);
    this.closeLater(() => running.close());
    return hub;
  }

  /**
   * As an accident would, once time has reached the id: a clock that is made within a millisecond of the one before,
   * as only a test does it, may give out ids that it gave out.
   */
  async emptyRedis(id: string): Promise<void> {
    await until(() => Date.now() >= Number(id.split('-')[0]));
    await this.redis.cli('FLUSHALL');
  }

  /** In the order opposite to that of the calls. */
  closeLater(close: () => unknown): void {
    this.#open.push(close);
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#open.splice(0).toReversed()) await close();
  }
}

/** A running application with its hub. */
export class TestHub {
  readonly hub: SseHub;

  constructor(
    readonly running: RunningApp,
    private readonly hubs: Hubs,
  ) {
    this.hub = running.app.get(SseHub);
  }

  url(...channels: string[]): string {
    return `${this.running.url}/streams?channels=${channels.join(',')}`;
  }

  /** A client whose stream has begun: whatever is published from now on is for it. */
  async client(channels: string[], options?: Parameters<typeof SseStream.open>[1]): Promise<SseStream> {
    const stream = SseStream.open(this.url(...channels), options);
    this.hubs.closeLater(() => stream.close());
    await stream.waitForBlock(({ id }) => id !== undefined);
    return stream;
  }

  reconnectingClient(channels: string[]): ReconnectingClient {
    const client = ReconnectingClient.start(this.url(...channels));
    this.hubs.closeLater(() => client.stop());
    return client;
  }

  /** A subscriber of `hub.events()` that hears whatever is published from now on. */
  async listener(channel: string, options?: Parameters<SseHub['events']>[1]): Promise<Listener> {
    const listener = this.subscribe(channel, options);
    await this.proveThatItHears(channel, listener);
    return listener;
  }

  subscribe(channel: string, options?: Parameters<SseHub['events']>[1]): Listener {
    const listener = new Listener(this.hub.events(channel, options));
    this.hubs.closeLater(() => listener.unsubscribe());
    return listener;
  }

  /** An Observable does not tell when it has begun: ephemeral events, which leave no trace, do. */
  async proveThatItHears(channel: string, listener: Listener): Promise<void> {
    await until(async () => {
      await this.hub.publish(channel, { type: 'are-you-there', data: null }, { ephemeral: true });
      return listener.questions.size > 0;
    });
    // All that was sent while it was asked has come.
    const { id } = await this.hub.publish(
      channel,
      { type: 'are-you-there', data: null },
      { ephemeral: true },
    );
    await until(() => listener.questions.has(id));
  }

  /** An id that no event has yet. */
  async futureId(...channels: string[]): Promise<string> {
    const now = await this.hub.cursor(channels.length > 0 ? channels : undefined);
    return now.replaceAll(/\d{13}-\d+/g, '8000000000000-0');
  }

  async dataIn(channel: string): Promise<unknown[]> {
    return dataOf(await this.hub.history(channel, { limit: 1_000 }));
  }
}

/** What a subscriber of an Observable of events got. */
export class Listener {
  readonly events: SseEvent[] = [];
  completed = false;
  error: unknown;
  readonly questions = new Set<string>();
  private readonly subscription: Subscription;

  constructor(events: Observable<SseEvent>) {
    this.subscription = events.subscribe({
      next: (event) => {
        if (event.type === 'are-you-there') this.questions.add(event.id);
        else this.events.push(event);
      },
      error: (error: unknown) => (this.error = error),
      complete: () => (this.completed = true),
    });
  }

  get data(): unknown[] {
    return this.events.map(({ data }) => data);
  }

  get ids(): string[] {
    return this.events.map(({ id }) => id);
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }
}

export function dataOf({ events }: Pick<HistoryPage, 'events'>): unknown[] {
  return events.map(({ data }) => data);
}

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const outcome = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  return outcome as Error & Record<string, unknown>;
}

/**
 * The error of a start that is tried again until its time is up. A busy process may not have heard the reason by then: the next start has
 * twice the time.
 */
export async function failedStart(
  words: RegExp,
  start: (connectTimeout: number) => Promise<unknown>,
): Promise<Error & Record<string, unknown>> {
  for (let connectTimeout = 500; ; connectTimeout *= 2) {
    const failure = await failureOf(start(connectTimeout));
    if (words.test(failure.message) || connectTimeout > 10_000) return failure;
  }
}
