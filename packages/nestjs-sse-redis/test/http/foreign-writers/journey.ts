import { deepStrictEqual } from 'node:assert/strict';
import type { SseHub } from 'nestjs-sse-redis';
import { ReconnectingClient, until as untilIn } from './client.js';
import { stageOf } from './stage.js';
import type { Way } from './ways.js';

/** A port on which nobody listens: a client that is sent there cannot come back. */
const NOWHERE = 'http://127.0.0.1:9';

/** ms, on a machine that others keep busy. */
const PATIENCE = 25_000;
const until = (condition: () => unknown): Promise<unknown> => untilIn(condition, { timeout: PATIENCE });

interface Message {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** A client of a route, which may be kept away. */
class Traveller {
  isAway = false;
  readonly client: ReconnectingClient;
  private published = 0;

  constructor(
    url: string,
    readonly path: string,
    private readonly hub: SseHub,
  ) {
    const target = { pickUrl: () => (this.isAway ? NOWHERE : `${url}/${path}`) };
    this.client = ReconnectingClient.start(target, { headers: { 'x-middleware': '1' } });
  }

  get events(): string[] {
    return this.client.ledger.filter(({ type }) => type === 'n').map(({ data }) => data);
  }

  async publish(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.hub.publish(this.path, { type: 'n', data: String(this.published++) });
    }
  }

  /** The hub has opened its stream, and told it where it stands. */
  async isServed(connection: number): Promise<void> {
    const { client } = this;
    await until(() => client.connections >= connection && HUB_ID.test(client.stream.lastEventId));
  }

  /** Every event once and in order, no gap, and no id but the hub's, each at or after the one before. */
  async check(): Promise<void> {
    const expected = Array.from({ length: this.published }, (_, i) => String(i));
    // A client with a foreign id may wait for its events in vain.
    checkIds(this.client.ledger.map(({ id }) => id));
    await until(() => this.events.length >= expected.length);
    deepStrictEqual(this.events, expected);
    const { ledger } = this.client;
    deepStrictEqual(ofType(ledger, 'gap'), []);
    checkIds(ledger.map(({ id }) => id));
    checkIds(stageOf(this.path).claims.map((claim) => claim ?? ''));
  }
}

/**
 * Takes a client through a way: it has had some events when somebody else writes or ends the stream, misses some events, and
 * comes back.
 */
export async function travel(url: string, hub: SseHub, way: Way): Promise<void> {
  const traveller = new Traveller(url, way.path, hub);
  const { client } = traveller;
  try {
    await traveller.isServed(1);
    await traveller.publish(3);
    await until(() => traveller.events.length === 3);
    traveller.isAway = way.ends === true && way.path !== 'filter';
    await way.act?.(stageOf(way.path), hub);
    if (way.writes !== undefined) await client.waitFor(({ type }) => type === way.writes, PATIENCE);
    checkIds([client.lastEventId]);
    traveller.isAway = true;
    if (!way.ends) await client.stream.close();
    await client.stream.ended;
    await traveller.publish(5);
    traveller.isAway = false;
    await until(() => traveller.events.length === 8);
    await traveller.publish(2);
    await traveller.check();
  } finally {
    await client.stop();
  }
}

/** Takes a client through a route whose streams are ended again and again while events flow. */
export async function travelThroughTimeouts(url: string, hub: SseHub): Promise<void> {
  const traveller = new Traveller(url, 'timeout', hub);
  const { client } = traveller;
  try {
    await traveller.isServed(1);
    await until(async () => {
      await traveller.publish(1);
      return client.connections >= 3;
    });
    await traveller.check();
  } finally {
    await client.stop();
  }
}

/** An id of the hub: ms since the epoch, and more. */
const HUB_ID = /^\d{12,}-\d+/;

function checkIds(ids: readonly string[]): void {
  let last = [0, 0];
  for (const id of ids) {
    // A client that has had nothing.
    if (id === '' && last[0] === 0) continue;
    if (!HUB_ID.test(id))
      throw new Error(`The client's id is ${JSON.stringify(id)}, which is not the hub's.`);
    const [ms, seq] = id.split('~').at(-1)!.split('-').map(Number) as [number, number];
    if (ms < last[0]! || (ms === last[0] && seq < last[1]!))
      throw new Error(`${id} lies before ${last.join('-')}.`);
    last = [ms, seq];
  }
}

function ofType(messages: readonly Message[], type: string): string[] {
  return messages.filter((message) => message.type === type).map(({ data }) => data);
}
