import { jest } from '@jest/globals';
import { TestCluster, until } from '@nestjs-sse-redis/testing';
import { Redis } from 'ioredis';
import { Commands } from '../../src/broker/redis/commands.js';
import type { Outcome, ScriptCall } from '../../src/broker/redis/script-call.js';
import type { PublishOutcome } from '../../src/broker/broker.interface.js';
import type { Script } from '../../src/broker/redis/script.js';
import { publication, publishAll } from './broker-set-ups.js';
import { ClusterHubs, describeCluster, logOf } from './cluster-hubs.js';

/** What is published in the control while a slot is on its way: enough to see that none of it is heard. */
const EVENTS = 5;
const NUMBERS = Array.from({ length: EVENTS }, (_, i) => i);
/** What both processes hear before. */
const BEGUN = -1;

const hubs = new ClusterHubs();
let cluster: TestCluster;
const clients: Redis[] = [];

beforeAll(async () => {
  cluster = await TestCluster.start({ replicas: 0 });
});
afterEach(() => clients.splice(0).forEach((client) => client.disconnect()));
afterAll(() => cluster?.stop());

/** Runs again what a node answered with ASK, at the node that it names, as Redis asks of clients. */
async function follow(script: Script, { keys, args }: ScriptCall, outcome: Outcome): Promise<Outcome> {
  const words = 'error' in outcome && (outcome.error.cause as Error | undefined)?.message;
  const [, port] = /^ASK \d+ .*:(\d+)$/.exec(words || '') ?? [];
  if (!port) return outcome;
  const client = new Redis(Number(port), '127.0.0.1');
  clients.push(client);
  const run = client.pipeline().asking();
  // The last argument: nothing is known of the line there.
  run.callBuffer('EVAL', script.sharded.source, keys.length, ...keys, ...args, '');
  const [, [error, reply]] = (await run.exec()) as [unknown, [Error | null, unknown[]]];
  if (error) throw error;
  // What it says of the line is behind the positions.
  return { reply: reply.filter((one) => !Array.isArray(one)), line: 0 };
}

/** All processes follow ASK. */
function followAsk(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
  const { runAll } = Commands.prototype;
  jest.spyOn(Commands.prototype, 'runAll').mockImplementation(async function (
    this: Commands,
    script,
    calls,
    within,
  ) {
    const outcomes = await runAll.call(this, script, calls, within);
    return Promise.all(outcomes.map((outcome, i) => follow(script, calls[i]!, outcome)));
  });
}

/** Publishes while all keys are at the next owner, and the slot is not yet. */
async function publishOnTheWay() {
  const options = { redis: cluster.url, publishTimeout: 60_000, probeInterval: 60_000 };
  const [publisher, subscriber] = [await hubs.join(options), await hubs.join(options, 'a')];
  await publishAll(publisher.broker, publication('a', BEGUN));
  await until(() => subscriber.heard.data.includes(BEGUN));
  const migration = await cluster.startMigration(hubs.tag);
  await migration.moveKeys();
  const asked = async () =>
    Number(
      /errorstat_ASK:count=(\d+)/.exec(String(await migration.source.cli('INFO', 'errorstats')))?.[1] ?? 0,
    );
  const before = await asked();
  const outcomes: PublishOutcome[] = [];
  const publishing = Promise.all(
    Array.from({ length: EVENTS }, async (_, i) => {
      const [outcome] = await publisher.broker.publish([publication('a', i)]);
      outcomes.push(outcome!);
    }),
  );
  const isAsked = (times: number) => until(async () => (await asked()) >= before + times);
  await isAsked(1);
  return { subscriber, migration, outcomes, publishing, isAsked };
}

describeCluster('a slot that begins to move', () => {
  /** Publishes to a channel that has events, while all keys are at their owner still. */
  async function publishAtFirst(own: boolean) {
    const options = { redis: cluster.url, publishTimeout: 60_000, probeInterval: 60_000 };
    const publisher = await hubs.join(options);
    // Longer than the retention: it leaves no tombstone, and their key is named.
    const history = own ? { ttl: 2 * 3_600_000 } : undefined;
    const event = (i: number) => ({ ...publication('a', i), ...(history && { history }) });
    await publishAll(publisher.broker, event(BEGUN));
    const migration = await cluster.startMigration(hubs.tag);
    let isPublished = false;
    const publishing = publishAll(publisher.broker, event(0)).then(() => (isPublished = true));
    const refused = async () =>
      Number(
        /errorstat_TRYAGAIN:count=(\d+)/.exec(
          String(await migration.source.cli('INFO', 'errorstats')),
        )?.[1] ?? 0,
      );
    return { migration, publishing, refused, isPublished: () => isPublished };
  }

  it('takes what is published to a channel whose log is there', async () => {
    const { migration, publishing, isPublished } = await publishAtFirst(false);
    await publishing;
    expect(isPublished()).toBe(true);
    await migration.moveKeys();
    await migration.finish();
  });

  it('makes it wait where the key of tombstones is named, and is not there (negative control)', async () => {
    const { migration, publishing, refused, isPublished } = await publishAtFirst(true);
    await until(async () => (await refused()) > 1);
    expect(isPublished()).toBe(false);
    await migration.moveKeys();
    await migration.finish();
    await publishing;
  });
});

describeCluster('a slot whose keys are all at its next owner', () => {
  it('takes what is published once it has moved, in its order', async () => {
    const { subscriber, migration, outcomes, publishing, isAsked } = await publishOnTheWay();
    // The source is asked again and again, where a client that follows ASK has its answer after the first time.
    await isAsked(4);
    expect(outcomes).toEqual([]);
    await migration.finish();
    await publishing;
    expect(outcomes.filter((outcome) => 'error' in outcome)).toEqual([]);
    await until(async () => (await logOf(subscriber, 'a')).length > EVENTS);
    expect(await logOf(subscriber, 'a')).toEqual([BEGUN, ...NUMBERS]);
  });

  it('acknowledges what no subscriber hears, where ASK is followed (control)', async () => {
    followAsk();
    const { subscriber, migration, outcomes, publishing } = await publishOnTheWay();
    await publishing;
    expect(outcomes).toHaveLength(EVENTS);
    expect(outcomes.filter((outcome) => 'error' in outcome)).toEqual([]);
    // Subscribers are at the source still, where this is heard.
    const own = String(await migration.source.cli('PUBSUB', 'SHARDCHANNELS', `${hubs.tag}:live:0:n:*`));
    for (const inbox of own.split(',')) await migration.source.cli('SPUBLISH', inbox, 'a message');
    await until(() => subscriber.heard.messages.length > 0);
    expect(subscriber.heard.data).toEqual([BEGUN]);
    await migration.finish();
  });
});
