import { until, type RunningApp } from '@nestjs-sse-redis/testing';
import { SseHub, SseRedisError } from 'nestjs-sse-redis';
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Page } from 'puppeteer-core';
import { differences, expectedOf, type Dispatched } from './comparison.js';
import { Gate, Gates } from './fuzz.app.js';
import type { Attempt } from './hostile-events.js';
import { ByteReader, openChromium, openEventSourcePackage, openUndici, type Reader } from './readers.js';

/** What each client gives as its position at first. It is none, so that the hub tells of a gap; and it is not to come back. */
const HOSTILE_ID = '1-0\n\nevent: x\ndata: x\nid: 1\nretry: 86400000\n\n';

/** An event that was published. */
export interface Sent extends Dispatched {
  readonly ephemeral: boolean;
}

let sessions = 0;

/** The same streams, read by everything that can read them, and what they are to have read. */
export class Session {
  readonly hub: SseHub;
  readonly gate: Gate;
  readonly bytes: ByteReader;
  readonly readers: Reader[];
  /** What every reader must have dispatched after the gaps that it begins with. */
  readonly expected: Dispatched[] = [];
  private readonly name = `s${++sessions}`;
  private sentinels = 0;

  private constructor(
    private readonly running: RunningApp,
    readonly channels: readonly string[],
  ) {
    this.hub = running.app.get(SseHub);
    this.gate = new Gate(channels);
    running.app.get(Gates).set(this.name, this.gate);
    this.bytes = new ByteReader(this.urlFor('bytes'));
    this.readers = [this.bytes];
  }

  /** @param types all that may be dispatched: an EventSource has no listener for everything */
  static async open(
    running: RunningApp,
    page: Page,
    channels: readonly string[],
    types: readonly string[],
  ): Promise<Session> {
    const session = new Session(running, channels);
    const urlFor = (reader: string): string => session.urlFor(reader);
    try {
      session.readers.push(openEventSourcePackage(urlFor('eventsource'), types));
      session.readers.push(openUndici(urlFor('undici'), types));
      session.readers.push(await openChromium(page, urlFor('Chromium'), types));
      await session.haveAll((received) => received.length >= channels.length);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** One more reader of the bytes, that has been here before. */
  openLate(lastEventId: string): ByteReader {
    return new ByteReader(this.urlFor('late'), lastEventId);
  }

  /**
   * Publishes, checks that what must be refused is, with a typed error, and nothing else; and then an event to know
   * the end by.
   */
  async publish(attempts: readonly Attempt[]): Promise<Sent[]> {
    const sentinel = { channel: this.channels[0]!, data: `sentinel ${++this.sentinels}` };
    const all: Attempt[] = [...attempts, { event: sentinel, refusal: undefined }];
    const results = await this.hub.publishMany(all.map(({ event }) => event));
    return all.flatMap(({ event, refusal }, i) => {
      const result = results[i]!;
      const code = 'error' in result ? toErrorCode(result.error) : undefined;
      assert.equal(code, refusal, `what became of ${inspect(event)}`);
      if ('error' in result) return [];
      return [{ ...expectedOf(event, result.id), ephemeral: event.ephemeral === true }];
    });
  }

  /** Which readers read something else than they should after `publish`, which tells what they should. */
  async readersThatNotice(publish: () => Promise<Dispatched[]>): Promise<string[]> {
    const before = await this.received();
    const expected = [...(await publish()), ...(await this.publish([]))];
    await this.haveRead(expected.at(-1)!.id);
    const after = await this.received();
    return this.readers
      .filter((_, i) => differences(expected, after[i]!.slice(before[i]!.length)).length > 0)
      .map(({ name }) => name);
  }

  /** Waits until all readers have the last of the expected events, and finds where any of them differs. */
  async problems(): Promise<string[]> {
    const last = this.expected.at(-1)!;
    // If it does not come, the differences say more than the time-out.
    await this.haveRead(last.id).catch(() => undefined);
    const all = await this.received();
    return this.readers.flatMap(({ name }, i) => {
      const expected = [...this.gapsIn(all[i]!), ...this.expected];
      return differences(expected, all[i]!).map((text) => `${name}: ${text}`);
    });
  }

  /** Waits until all readers have the event of this id. */
  async haveRead(id: string): Promise<void> {
    await this.haveAll((received) => received.some((event) => event.id === id));
  }

  /** What the hub tells a client first whose position is none: only the last gap says where it stands then. */
  gapsIn(dispatched: readonly Dispatched[]): Dispatched[] {
    const { channels } = this;
    const to = dispatched[channels.length - 1]?.id ?? '';
    assert.match(to, /^\d+-\d+$/);
    return channels.map((channel, i) =>
      expectedOf({ type: 'gap', data: { channel, from: null, to } }, i < channels.length - 1 ? '' : to),
    );
  }

  /** Ends all streams, and waits until everybody has come back, to the closed gate. → the positions that they gave */
  async cut(): Promise<Map<string, string | undefined>> {
    this.gate.close();
    const arrived = this.gate.arrivals.length;
    this.gate.cut();
    return this.comeBack(arrived);
  }

  /** Waits until everybody has come back since there were so many arrivals. */
  async comeBack(arrived: number): Promise<Map<string, string | undefined>> {
    const back = (): Map<string, string | undefined> =>
      new Map(this.gate.arrivals.slice(arrived).map(({ reader, lastEventId }) => [reader, lastEventId]));
    // Had a `retry: 86400000` got through, somebody would stay away for a day.
    await until(() => back().size === this.readers.length, { message: 'all readers are back' });
    return back();
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.close()));
    this.gate.open();
  }

  private async haveAll(condition: (received: readonly Dispatched[]) => boolean): Promise<void> {
    await Promise.all(
      this.readers.map((reader) =>
        until(async () => condition(await reader.received()), { interval: 20, message: reader.name }),
      ),
    );
  }

  /** Copies: what readers have goes on growing. */
  private received(): Promise<(readonly Dispatched[])[]> {
    return Promise.all(this.readers.map(async (reader) => [...(await reader.received())]));
  }

  private urlFor(reader: string): string {
    const query = `reader=${reader}&lastEventId=${encodeURIComponent(HOSTILE_ID)}`;
    return `${this.running.url}/streams/${this.name}?${query}`;
  }
}

function toErrorCode(error: Error): string {
  assert(error instanceof SseRedisError, error);
  return error.code;
}
