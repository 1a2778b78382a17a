import { Random, until } from '@nestjs-sse-redis/testing';
import type { Browser } from 'puppeteer-core';
import type { BrowserName } from '../../../../libs/testing/src/browser.js';
import type { OpenOptions } from './page.js';
import type { ShareApp } from './share.app.js';
import { TestTab } from './test-tab.js';

export interface ChaosOptions {
  readonly app: ShareApp;
  readonly browser: Browser;
  readonly name: BrowserName;
  readonly way: OpenOptions['way'];
  readonly seed: number;
  readonly events: number;
}

/** A tab, and what it is to have received at the end. */
interface Member {
  readonly tab: TestTab;
  readonly user: string;
  /** By channel, the number after which its events are to have come; undefined: from some point on. */
  readonly after: Readonly<Record<string, number | undefined>>;
}

export interface ChaosOutcome {
  /** What is wrong, in words. */
  readonly faults: readonly string[];
  readonly disturbances: readonly string[];
  /** ms: the longest time in which a tab that was left alone received nothing. */
  readonly longestSilence: number;
}

const BATCH = 10;
/** ms between batches. */
const PACE = 40;
/** ms between disturbances. */
const PAUSE = 1_300;

/** Six tabs of three users, while events flow and whichever tab or worker has the stream is closed, crashed, frozen or kept busy. */
export class Chaos {
  private readonly random: Random;
  private readonly users: readonly string[];
  private readonly numbers = new Map<string, { n: number; id: string }[]>();
  private readonly members: Member[] = [];
  private readonly faults: string[] = [];
  private readonly disturbances: string[] = [];
  private longestSilence = 0;
  private isPublishing = true;

  constructor(private readonly options: ChaosOptions) {
    const { seed, way, name } = options;
    this.random = new Random(seed);
    this.users = ['a', 'b', 'c'].map((letter) => `${name}${way}${seed}${letter}`);
  }

  async run(): Promise<ChaosOutcome> {
    const { app } = this.options;
    await Promise.all(this.users.flatMap((user) => [this.open(user), this.open(user)]));
    for (const user of this.users) {
      await until(async () => (await app.listeners(`room:${user}`)) === 1, { interval: 30 });
    }
    await until(async () => (await app.listeners(this.news)) === this.users.length, { interval: 30 });
    await Promise.all([this.publish(), this.disturb()]);
    // For tabs that were opened when all events were out.
    await Promise.all(this.members.map(({ tab }) => tab.isPlaced()));
    await this.publishBatch(this.channels);
    await Promise.all(this.members.map((member) => this.settle(member)));
    await Promise.all(this.users.map((user) => this.countStreams(user)));
    return {
      faults: this.faults,
      disturbances: this.disturbances,
      longestSilence: this.longestSilence,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ tab }) => tab.close().catch(() => undefined)));
  }

  private get news(): string {
    return `news:${this.users[0]}`;
  }

  private channelsOf(user: string): string[] {
    return [this.news, `room:${user}`, `user:${user}`];
  }

  private async open(user: string): Promise<Member> {
    const { browser, app, way } = this.options;
    // Sometimes from an event of some moments ago.
    const room = `room:${user}`;
    const published = this.numbers.get(room) ?? [];
    const last = published.filter(({ id }) => id !== '').at(-1 - this.random.int(100));
    const start = this.random.chance(0.5) ? last : undefined;
    const tab = await TestTab.open(browser, app, {
      user,
      way,
      channels: { [this.news]: null, [room]: start?.id ?? null },
      ...(way === 'worker' && { workerUrl: '/stallable-worker.js' }),
    });
    await tab.isOpen();
    await tab.isPlaced();
    const first = published.length === 0 ? 0 : undefined;
    const member = { tab, user, after: { [room]: start?.n ?? first, [this.news]: first } };
    this.members.push(member);
    return member;
  }

  private get channels(): string[] {
    return [...new Set(this.users.flatMap((user) => this.channelsOf(user)))];
  }

  private async publish(): Promise<void> {
    const { channels } = this;
    const draw = new Random(this.options.seed + 1);
    for (let sent = 0; sent < this.options.events; sent += BATCH) {
      await this.publishBatch(Array.from({ length: BATCH }, () => draw.pick(channels)));
      await new Promise((resolve) => setTimeout(resolve, PACE));
    }
    this.isPublishing = false;
  }

  private async publishBatch(channels: readonly string[]): Promise<void> {
    const batch = channels.map((channel) => {
      const known = this.numbers.get(channel) ?? [];
      this.numbers.set(channel, known);
      const n = known.length + 1;
      known.push({ n, id: '' });
      return { channel, type: 'tick', data: { n } };
    });
    const results = await this.options.app.hub.publishMany(batch);
    batch.forEach(({ channel, data }, i) => {
      this.numbers.get(channel)![data.n - 1]!.id = (results[i] as { id: string }).id;
    });
  }

  private async disturb(): Promise<void> {
    while (this.isPublishing) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const user = this.random.pick(this.users);
      const candidates = this.members.filter((member) => member.user === user);
      const roles = await Promise.all(candidates.map(({ tab }) => tab.role()));
      const leader = candidates[Math.max(0, roles.indexOf('leader'))]!;
      const kinds = this.kinds();
      const kind = this.random.pick(kinds);
      this.disturbances.push(`${kind} ${roles.join('/')}`);
      await this.strike(kind, leader, candidates);
    }
  }

  private kinds(): string[] {
    const { name, way } = this.options;
    return [
      ...['close', 'stick', 'reload'],
      ...(name === 'chromium' ? ['crash', 'freeze'] : []),
      ...(way === 'worker' ? ['end worker', 'stall worker'] : []),
    ];
  }

  private async strike(kind: string, member: Member, candidates: readonly Member[]): Promise<void> {
    const { tab, user } = member;
    if (kind === 'close' || kind === 'crash' || kind === 'reload') {
      this.members.splice(this.members.indexOf(member), 1);
      await this.check(member, false);
      if (kind === 'reload') await tab.page.reload();
      else await (kind === 'close' ? tab.close() : tab.crash());
      await this.open(user);
      if (kind !== 'close') await tab.close().catch(() => undefined);
    } else if (kind === 'freeze') {
      await tab.setFrozen(true);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await tab.setFrozen(false);
    } else if (kind === 'stick') {
      tab.stick(2_500);
    } else {
      const message = kind === 'end worker' ? { close: true } : { stall: 2_500 };
      await candidates[0]!.tab.page.evaluate((message) => {
        const channel = new BroadcastChannel('test-worker');
        channel.postMessage(message);
        channel.close();
      }, message);
    }
  }

  private async settle(member: Member): Promise<void> {
    await until(
      async () => {
        const missing = await this.missing(member);
        return missing === '' || Promise.reject(new Error(missing));
      },
      { interval: 100, timeout: 20_000, message: 'a tab has the last event of each channel' },
    ).catch((error: unknown) => this.faults.push(String(error)));
    await this.check(member, true);
  }

  private async missing({ tab, user }: Member): Promise<string> {
    const last = await Promise.all(
      this.channelsOf(user).map(async (channel) => (await tab.numbers(channel)).at(-1)),
    );
    return this.channelsOf(user)
      .map(
        (channel, i) => [`${channel} ${last[i]} of ${this.numbers.get(channel)!.length}`, last[i]] as const,
      )
      .filter(([, last], i) => last !== this.numbers.get(this.channelsOf(user)[i]!)!.length)
      .map(([text]) => text)
      .join();
  }

  /** Each event once, in order, from where the tab began. */
  private async check({ tab, user, after }: Member, isOver: boolean): Promise<void> {
    for (const channel of this.channelsOf(user)) {
      const seen = await tab.numbers(channel);
      const first = after[channel] === undefined ? seen[0] : after[channel] + 1;
      const wrong = seen.findIndex((n, i) => n !== first! + i);
      if (wrong >= 0)
        this.faults.push(
          `${channel}: ${seen.slice(Math.max(0, wrong - 3), wrong + 5).join()} (from ${first}), ${isOver ? 'in the end' : 'before a tab was closed'}`,
        );
    }
    const received = await tab.received();
    const gaps = received.filter(({ type }) => type === 'gap');
    if (gaps.length > 0) this.faults.push(`gaps: ${gaps.map(({ data }) => data).join()}`);
    if (isOver)
      received.forEach(({ at }, i) => {
        if (i > 0) this.longestSilence = Math.max(this.longestSilence, at - received[i - 1]!.at);
      });
  }

  private async countStreams(user: string): Promise<void> {
    await until(async () => (await this.options.app.streams(user)) === 1, {
      interval: 50,
      timeout: 20_000,
    }).catch(async () => this.faults.push(`${user} has ${await this.options.app.streams(user)} streams`));
  }
}
