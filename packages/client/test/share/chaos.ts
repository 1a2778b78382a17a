import { Random, until } from '@nestjs-sse-redis/testing';
import type { BrowserName, PageOpener } from '../../../../libs/testing/src/browser.js';
import type { OpenOptions } from './page.js';
import type { ShareApp } from './share.app.js';
import { SwitchTimes, type SlowestSwitch } from './switch-times.js';
import { numbersOf, TestTab } from './test-tab.js';

export interface ChaosOptions {
  readonly app: ShareApp;
  readonly browser: PageOpener;
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
  /** From when on it received what was published: ms since the epoch. */
  readonly since: number;
}

export interface ChaosOutcome {
  /** What is wrong, in words. */
  readonly faults: readonly string[];
  readonly disturbances: readonly string[];
  readonly slowest: SlowestSwitch;
  /** ms: the longest that an event or a request took in a tab with a stream of its own, to which nothing is done. */
  readonly control: number;
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
  private readonly numbers = new Map<string, { n: number; id: string; at: number }[]>();
  private readonly members: Member[] = [];
  private readonly faults: string[] = [];
  private readonly disturbances: string[] = [];
  private readonly times = new SwitchTimes((channel, n) => this.numbers.get(channel)![n - 1]!.at);
  private isPublishing = true;
  private control: Member | undefined;

  constructor(private readonly options: ChaosOptions) {
    const { seed, way, name } = options;
    this.random = new Random(seed);
    this.users = ['a', 'b', 'c'].map((letter) => `${name}${way}${seed}${letter}`);
  }

  async run(): Promise<ChaosOutcome> {
    const { app } = this.options;
    await Promise.all(this.users.flatMap((user) => [this.open(user), this.open(user)]));
    const control = await this.openControl();
    for (const user of this.users) {
      await until(async () => (await app.listeners(`room:${user}`)) === 1, { interval: 30 });
    }
    await until(async () => (await app.listeners(this.news)) === this.users.length + 1, { interval: 30 });
    await Promise.all([this.publish(), this.disturb()]);
    // For tabs that were opened when all events were out.
    await Promise.all(this.members.map(({ tab }) => tab.isPlaced()));
    await this.publishBatch(this.channels);
    await Promise.all(this.members.map((member) => this.settle(member)));
    await Promise.all(this.users.map((user) => this.countStreams(user)));
    return {
      faults: this.faults,
      disturbances: this.disturbances,
      slowest: this.times.slowest,
      control: this.times.ofControl(await control.tab.record(), control.since),
    };
  }

  async close(): Promise<void> {
    this.times.stop();
    const tabs = [...this.members, ...(this.control ? [this.control] : [])];
    await Promise.all(tabs.map(({ tab }) => tab.close().catch(() => undefined)));
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
      watch: true,
      impatient: true,
    });
    await tab.isOpen();
    await tab.isPlaced();
    const first = published.length === 0 ? 0 : undefined;
    const after = { [room]: start?.n ?? first, [this.news]: first };
    const member = { tab, user, after, since: Date.now() };
    this.members.push(member);
    return member;
  }

  private async openControl(): Promise<Member> {
    const { browser, app } = this.options;
    const user = `${this.users[0]}control`;
    const channels = { [this.news]: null };
    const tab = await TestTab.open(browser, app, {
      user,
      way: 'locks',
      channels,
      without: 'sharing',
      watch: true,
    });
    await tab.isOpen(false);
    await tab.page.evaluate(() => void window.tab.watchRequests());
    this.control = { tab, user, after: {}, since: Date.now() };
    return this.control;
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
      known.push({ n, id: '', at: Date.now() });
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
    const note = () => this.times.noteStrike(user, kind);
    if (kind === 'close' || kind === 'crash' || kind === 'reload') {
      this.members.splice(this.members.indexOf(member), 1);
      await this.check(member);
      note();
      if (kind === 'reload') await tab.page.reload();
      else await (kind === 'close' ? tab.close() : tab.crash());
      await this.open(user);
      if (kind !== 'close') await tab.close().catch(() => undefined);
    } else if (kind === 'freeze') {
      note();
      await tab.setFrozen(true);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await tab.setFrozen(false);
    } else if (kind === 'stick') {
      note();
      void tab.stick(2_500);
    } else {
      note();
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
    await this.check(member);
  }

  private async missing({ tab, user }: Member): Promise<string> {
    const received = await tab.received();
    const lacking = this.channelsOf(user).flatMap((channel) => {
      const last = numbersOf(received, channel).at(-1);
      const { length } = this.numbers.get(channel)!;
      return last === length ? [] : [`${channel} ${last} of ${length}`];
    });
    return lacking.join();
  }

  /** Each event once, in order, from where the tab began. */
  private async check(member: Member): Promise<void> {
    const { tab, user, after, since } = member;
    const record = await tab.record();
    for (const channel of this.channelsOf(user)) {
      const seen = numbersOf(record.received, channel);
      const first = after[channel] === undefined ? seen[0] : after[channel] + 1;
      const wrong = seen.findIndex((n, i) => n !== first! + i);
      if (wrong >= 0)
        this.faults.push(
          `${channel}: ${seen.slice(Math.max(0, wrong - 3), wrong + 5).join()} (from ${first})`,
        );
    }
    const gaps = record.received.filter(({ type }) => type === 'gap');
    if (gaps.length > 0) this.faults.push(`gaps: ${gaps.map(({ data }) => data).join()}`);
    const others = this.members.filter((other) => other.user === user && other !== member);
    const all = await Promise.all(others.map((other) => other.tab.record()));
    this.times.look(user, record, since, [record, ...all]);
  }

  private async countStreams(user: string): Promise<void> {
    await until(async () => (await this.options.app.streams(user)) === 1, {
      interval: 50,
      timeout: 20_000,
    }).catch(async () => this.faults.push(`${user} has ${await this.options.app.streams(user)} streams`));
  }
}
