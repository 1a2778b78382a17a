import { Random, until } from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { setTimeout as pause } from 'node:timers/promises';
import { parseEventId } from '../../src/event/position.js';
import { Deployment, FAST, type DeploymentOptions } from './deployment.js';
import { isFound } from './found-loss.js';
import { dropAnnouncement, loseReply } from './proxy-faults.js';
import { Publisher } from './publisher.js';
import { DataLoss, judge, type Verdict } from './verdict.js';
import { WatchedClient } from './watched-client.js';

/**
 * Each protection and its twin: the same failure with the protection and without it. Without it, the ledger must find
 * what it protects from; a ledger that finds nothing would be no proof.
 */
let deployment: Deployment;
/** The one with all protections. It is whole again after each test, and processes take long to start. */
let whole: Deployment | undefined;
let clients: WatchedClient[];
let publisher: Publisher;

const running = (...modules: string[]) => ({
  execArgv: modules.flatMap((module) => ['--import', new URL(`./twins/${module}`, import.meta.url).href]),
});

const NO_AUDIT = { auditInterval: 2 ** 31 - 1, history: { ttl: 2 ** 33 } };

/** Without the audit, which makes good what other protections are for. */
async function deploy(deploying: DeploymentOptions = {}, idempotent = true): Promise<void> {
  const isWhole = Object.keys(deploying).length === 0;
  const options = { ...NO_AUDIT, ...deploying.options };
  deployment = (isWhole && whole) || (await Deployment.start({ nodes: 2, ...deploying, options }));
  if (isWhole) whole = deployment;
  publisher = new Publisher(() => deployment.nodes[1]!, idempotent);
}

/** A client of the first node; events come from the second. */
function connect(channels: readonly string[], node = () => 0): WatchedClient {
  const name = `client ${clients.length}`;
  const client = new WatchedClient(name, channels, () => deployment.nodes[node()]!.url);
  clients.push(client);
  return client;
}

const hasAll = (client: WatchedClient) => {
  const ids = new Set(client.eventIds);
  return publisher.events
    .filter(({ channel, position }) => client.channels.includes(channel) && position > client.start!)
    .every(({ id }) => ids.has(id));
};

/** How long events may take that are to come, on a machine that has other things to do (ms). */
const PATIENCE = 30_000;

/** @param patience how long to wait for events that a twin may not deliver (ms) */
async function judgeAll({
  patience = 3_000,
  announcementDropped = false,
  start,
  loss = new DataLoss(),
}: {
  patience?: number;
  announcementDropped?: boolean;
  start?: number;
  loss?: DataLoss;
} = {}): Promise<Verdict[]> {
  const timeout = deployment === whole && patience > 0 ? PATIENCE : patience;
  await until(() => clients.every(hasAll), { timeout }).catch(() => undefined);
  return clients.map((client) =>
    judge(
      {
        name: client.name,
        channels: client.channels,
        start: start ?? client.start,
        messages: client.messages,
        blocks: client.blocks,
      },
      { events: publisher.events, loss, announcementDropped },
    ),
  );
}

const problems = (verdicts: readonly Verdict[]) => verdicts.flatMap((verdict) => verdict.problems);
const total = (verdicts: readonly Verdict[], name: keyof Verdict['counts']) =>
  verdicts.reduce((sum, { counts }) => sum + counts[name], 0);

beforeEach(() => {
  clients = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  if (deployment !== whole) await deployment.stop();
});
afterAll(() => whole?.stop(), 60_000);

describe('the probe', () => {
  async function goDeaf(options: DeploymentOptions): Promise<Verdict[]> {
    await deploy(options);
    await connect(['a']).placed();
    for (const subscriber of deployment.nodes[0]!.subscribers) subscriber.blackhole(true);
    await publisher.publish([{ channel: 'a' }]);
    return judgeAll();
  }

  it('finds a subscription that is up and deaf', async () => {
    expect(problems(await goDeaf({}))).toEqual([]);
  });

  it('is missed', async () => {
    const never = { probeInterval: 2 ** 31 - 1 };
    expect(total(await goDeaf({ options: never }), 'lost')).toBe(1);
  });
});

/** On a busy machine an announcement is on its way longer than its publish takes, and another one than was meant would be dropped. */
async function receivesLast(client: WatchedClient): Promise<void> {
  const last = publisher.events.at(-1)!;
  await until(() => client.eventIds.includes(last.id));
}

describe('the prev check', () => {
  async function missAnnouncement(options: DeploymentOptions): Promise<Verdict[]> {
    await deploy(options);
    const client = connect(['a']);
    await client.placed();
    await publisher.publish([{ channel: 'a' }]);
    await receivesLast(client);
    const dropped = dropAnnouncement(deployment.nodes[0]!.proxy, 'a');
    await publisher.publish([{ channel: 'a' }]);
    await publisher.publish([{ channel: 'a' }]);
    expect(dropped.stop()).toBe(true);
    return judgeAll({ announcementDropped: true });
  }

  it('finds an announcement that got lost', async () => {
    expect(problems(await missAnnouncement({}))).toEqual([]);
  });

  it('is missed', async () => {
    expect(total(await missAnnouncement(running('no-prev-check.ts')), 'lost')).toBe(1);
  });
});

/** The next announcement of channel a is lost on the way to the first node. Resolves when it is. */
async function loseOne(loss: DataLoss): Promise<void> {
  const dropped = dropAnnouncement(deployment.nodes[0]!.proxy, 'a');
  await publisher.publish([{ channel: 'a' }]);
  await until(() => dropped.position !== undefined);
  dropped.stop();
  loss.unannounced.push({ channel: 'a', position: dropped.position! });
}

/** A probe that a busy machine answers late would cost the link, and then everything is read anew. */
const CALM = { probeInterval: 2_000 };

describe('the audit', () => {
  async function loseLast(options: SseRedisOptions, patience: number): Promise<Verdict[]> {
    await deploy({ options: { ...CALM, ...options } });
    const client = connect(['a']);
    await client.placed();
    await publisher.publish([{ channel: 'a' }]);
    await receivesLast(client);
    await loseOne(new DataLoss());
    return judgeAll({ announcementDropped: true, patience });
  }

  it('finds an announcement that got lost as the last of its channel', async () => {
    expect(problems(await loseLast({ auditInterval: FAST.auditInterval }, 20_000))).toEqual([]);
  });

  it('is missed', async () => {
    expect(total(await loseLast({}, 3 * CALM.probeInterval), 'lost')).toBe(1);
  });
});

describe('a client that left with the position of a node that had lost an announcement', () => {
  interface Return {
    readonly node: number;
    readonly found: 'before' | 'after';
  }

  /**
   * One client stays at the node. The other one gets a newer event of another channel, leaves, and comes back to a node
   * before or after the loss is found. There is no audit: the next event of the channel tells of the loss, when it is to.
   */
  async function leaveAndReturn({ node, found }: Return, options: DeploymentOptions): Promise<Verdict[]> {
    await deploy({ options: CALM, ...options });
    const loss = new DataLoss();
    let home = 0;
    const staying = connect(['a']);
    const leaving = connect(['a', 'b'], () => home);
    await Promise.all([staying.placed(), leaving.placed()]);
    await publisher.publish([{ channel: 'a' }]);
    await Promise.all([receivesLast(staying), receivesLast(leaving)]);
    await loseOne(loss);
    const { position } = loss.unannounced[0]!;
    await publisher.publish([{ channel: 'b' }]);
    await receivesLast(leaving);
    const { ended } = leaving.stream;
    leaving.leave();
    await ended;
    home = node;
    const discover = async () => {
      await publisher.publish([{ channel: 'a' }]);
      await until(() => isFound(deployment, 'a', position));
    };
    const comeBack = async () => {
      const { connections } = leaving;
      leaving.comeBack();
      await until(() => leaving.connections > connections && leaving.stream.blocks.length > 0);
    };
    for (const step of found === 'before' ? [discover, comeBack] : [comeBack, discover]) await step();
    // Behind the news of the loss, on one connection: when it has come, so have they.
    await publisher.publish([{ channel: 'b' }]);
    await receivesLast(leaving);
    await until(() => hasAll(staying));
    return judgeAll({ announcementDropped: true, loss, patience: 0 });
  }

  const returns: Return[] = [0, 1].flatMap((node) => [
    { node, found: 'before' },
    { node, found: 'after' },
  ]);

  it.each(returns)('is told a gap at node $node if the loss is found $found its return', async (way) => {
    const [staying, returned] = await leaveAndReturn(way, {});
    expect(problems([staying!, returned!])).toEqual([]);
    expect(staying!.counts.gaps).toBe(0);
    expect(returned!.counts).toMatchObject({ gaps: 1, missedInGaps: 1 });
  });

  it.each(returns)('would be told nothing at node $node, found $found its return', async (way) => {
    const [staying, returned] = await leaveAndReturn(way, running('losses-untold.ts'));
    expect(problems([staying!])).toEqual([]);
    expect(returned!.counts).toMatchObject({ gaps: 0, lost: 1 });
  });
});

describe('a gap', () => {
  /** The cursor passes an event that got lost on the way, and before anything tells of it Redis has lost it as well. */
  async function loseWhatIsInDoubt(options: DeploymentOptions): Promise<Verdict[]> {
    await deploy(options);
    const client = connect(['a', 'b']);
    await client.placed();
    await publisher.publish([{ channel: 'a' }]);
    await receivesLast(client);
    const dropped = dropAnnouncement(deployment.nodes[0]!.proxy, 'a');
    await publisher.publish([{ channel: 'a' }, { channel: 'b' }]);
    const passed = publisher.events.at(-1)!;
    await receivesLast(client);
    expect(dropped.stop()).toBe(true);

    const loss = new DataLoss();
    loss.emptied.push(passed.position);
    await deployment.redis.restart({ empty: true });
    await publisher.publish([{ channel: 'a' }, { channel: 'b' }]);
    const last = publisher.events.slice(-2);
    await until(() => last.every(({ id }) => client.eventIds.includes(id)));
    return judgeAll({ announcementDropped: true, loss, patience: 0 });
  }

  it('begins at what is in doubt', async () => {
    expect(problems(await loseWhatIsInDoubt({}))).toEqual([]);
  });

  it('would say nothing of it', async () => {
    expect(total(await loseWhatIsInDoubt(running('gap-from-cursor.ts')), 'lost')).toBe(1);
  });
});

describe('subscribe before read', () => {
  /** Events are spread over the time that connecting takes. */
  const PACE_MS = 15;
  const channels = Array.from({ length: 40 }, (_, i) => `channel-${i}`);

  /** One event on every channel, some of them while its client is on its way. */
  async function publishWhileConnecting(options: DeploymentOptions): Promise<Verdict[]> {
    await deploy(options);
    for (const channel of channels) connect([channel]);
    for (const channel of new Random(1).shuffle(channels)) {
      await publisher.publish([{ channel }]);
      await pause(PACE_MS);
    }
    await Promise.all(clients.map((client) => client.placed()));
    const last = publisher.events.at(-1)!.position;
    // The watermark passes: whoever has not got his event by now is told that he has.
    await until(() => clients.every(({ stream }) => parseEventId(stream.lastEventId)! > last));
    return judgeAll({ patience: 500 });
  }

  it('leaves no hole between the two', async () => {
    expect(problems(await publishWhileConnecting(running('slow-subscription.ts')))).toEqual([]);
  });

  it('is missed', async () => {
    expect(
      total(
        await publishWhileConnecting(running('slow-subscription.ts', 'read-before-subscribe.ts')),
        'lost',
      ),
    ).toBeGreaterThan(0);
  });
});

describe('the position event', () => {
  async function dropBeforeFirstEvent(options: DeploymentOptions, isSent = true): Promise<Verdict[]> {
    await deploy(options);
    const { cursor } = await deployment.nodes[0]!.request({ kind: 'cursor' });
    const client = connect(['a']);
    // `retry:` is written as the connection begins.
    await until(() => client.stream.retry !== undefined);
    if (isSent) await until(() => client.stream.lastEventId !== '');
    client.leave();
    await publisher.publish([{ channel: 'a' }]);
    client.comeBack();
    await until(() => client.connections > 1);
    return judgeAll({ start: parseEventId(cursor!)!, patience: 1_500 });
  }

  it('lets a client resume that has not got an event yet', async () => {
    expect(problems(await dropBeforeFirstEvent({}))).toEqual([]);
  });

  it('is missed', async () => {
    expect(total(await dropBeforeFirstEvent(running('no-position.ts'), false), 'lost')).toBe(1);
  });
});

describe('the idempotency key', () => {
  async function loseAnswer(idempotent: boolean): Promise<Verdict[]> {
    await deploy({}, idempotent);
    await connect(['a']).placed();
    const lost = loseReply(deployment.nodes[1]!.proxy);
    await publisher.publish([{ channel: 'a' }]);
    lost.stop();
    expect(lost.happened).toBe(true);
    await publisher.publish([{ channel: 'a' }]);
    return judgeAll();
  }

  it('makes it safe to publish again after an unknown outcome', async () => {
    expect(problems(await loseAnswer(true))).toEqual([]);
  });

  it('is missed', async () => {
    expect(total(await loseAnswer(false), 'doubled')).toBe(1);
  });
});
