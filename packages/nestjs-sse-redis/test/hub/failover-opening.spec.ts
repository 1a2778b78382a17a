import { jest } from '@jest/globals';
import { SseStream, until } from '@nestjs-sse-redis/testing';
import { Fork, publish, told } from './failover-scene.js';
import type { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { parseEventId } from '../../src/event/position.js';
import type { TestHub } from './hubs.js';

const gapOf = (channel: string) => ({ channel, to: expect.any(String) });

describe.each([1, 3])('a client that is admitted while the data of one of %i shards fork', (shards) => {
  const fork = Fork.use({ shards });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** Clients find where they begin, and are admitted when they are let in. */
  function holdAdmissions({ hub }: TestHub): { readonly held: () => number; readonly letIn: () => void } {
    const pool = hub['node'].shards.subscribers;
    const open = pool.open.bind(pool);
    const waiting: (() => void)[] = [];
    jest.spyOn(pool, 'open').mockImplementation((channels, start, sink, opener) =>
      open(channels, start, sink, {
        ...opener,
        ready: async () => {
          const isReady = await opener.ready!();
          await new Promise<void>((resolve) => waiting.push(resolve));
          return isReady;
        },
      }),
    );
    return {
      held: () => waiting.length,
      letIn: () => {
        for (const resolve of waiting.splice(0)) resolve();
      },
    };
  }

  function open(test: TestHub, channel: string, lastEventId?: string): SseStream {
    const stream = SseStream.open(test.url(channel), lastEventId === undefined ? {} : { lastEventId });
    fork.hubs.closeLater(() => stream.close());
    return stream;
  }

  it('is told of the gap, and sent what the new data have, where it comes back with an id of the old', async () => {
    await fork.begin();
    // Another process published it, and the one that the client comes to never heard of it.
    const publisher = await fork.hubs.start({
      shards,
      redis: fork.hubs.redis.url,
      prefix: fork.scene.prefix,
    });
    const seen = await publish(publisher, 'news', 2);
    const admissions = holdAdmissions(fork.old);
    const client = open(fork.old, 'news', seen);
    await until(() => admissions.held() === 1);
    await fork.scene.switchOver();
    await publish(fork.present, 'news', 10);
    admissions.letIn();
    await publish(fork.present, 'news', 11);
    await until(() => told(client.messages).includes(11));
    expect(told(client.messages)).toEqual([gapOf('news'), 10, 11]);
  });

  /** The connection for commands leads to where the name leads, and that of the link stays. */
  async function moveCommands(test: TestHub, forks: number): Promise<void> {
    const broker = test.hub['node'].shards.of('news').broker as RedisBroker;
    broker['connections'].command.disconnect(true);
    await until(async () => (await broker.position().catch(() => 0)) && broker.line.forks.length === forks);
  }

  it('is sent what the new data have, where it reads the old ones while the link of its process leads to the new', async () => {
    await fork.begin();
    const { events } = await fork.old.hub.history('news');
    await fork.scene.switchOver();
    await publish(fork.present, 'news', 10);
    fork.scene.proxy.target = fork.hubs.redis.port;
    await moveCommands(fork.old, 0);
    // The old server's position is beyond what the new one has.
    const beyond = parseEventId(await publish(fork.old, 'other', 0))!;
    const client = open(fork.old, 'news', events[0]!.id);
    await client.waitForBlock(({ id }) => id !== undefined && parseEventId(id)! >= beyond);
    fork.scene.proxy.target = fork.scene.next.port;
    fork.scene.proxy.cut();
    await publish(fork.present, 'news', 11);
    await until(() => told(client.messages).includes(11));
    expect(told(client.messages)).toEqual([10, 11]);
  });

  it('is sent once what the new data have, where it reads them before the link of its process leads there', async () => {
    await fork.begin();
    const { events } = await fork.old.hub.history('news');
    for (const data of [10, 11]) await publish(fork.present, 'news', data);
    fork.scene.proxy.target = fork.scene.next.port;
    // A command that the old server does not answer ends this connection, and the one of the link may take two seconds longer.
    await moveCommands(fork.old, 1);
    const client = open(fork.old, 'news', events[0]!.id);
    await until(() => told(client.messages).includes(11));
    // Now the link goes there in any case.
    fork.scene.proxy.cut();
    await publish(fork.present, 'news', 12);
    await until(() => told(client.messages).includes(12));
    expect(told(client.messages)).toEqual([10, 11, 12]);
  });

  it('is sent what is published after its first id, where it is new', async () => {
    await fork.begin();
    await publish(fork.old, 'news', 2);
    const admissions = holdAdmissions(fork.old);
    const client = open(fork.old, 'news');
    await until(() => admissions.held() === 1);
    await fork.scene.switchOver();
    admissions.letIn();
    await client.waitForBlock(({ id }) => id !== undefined);
    await publish(fork.present, 'news', 11);
    await until(() => told(client.messages).includes(11));
    expect(told(client.messages)).toEqual([11]);
    // The first id is one of the new data: nobody who returns with it is told of a gap.
    const first = client.blocks.find(({ id }) => id !== undefined)!.id!;
    const back = await fork.present.client(['news'], { lastEventId: first });
    await until(() => told(back.messages).includes(11));
    expect(told(back.messages)).toEqual([11]);
  });
});
