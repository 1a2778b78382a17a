import { jest } from '@jest/globals';
import { deferred, until } from '@nestjs-sse-redis/testing';
import { NewLink } from '../../src/broker/redis/new-link.js';
import { Subscriber } from '../../src/delivery/subscriber.js';
import { LOSSES_CHANNEL } from '../../src/delivery/losses/loss.js';
import { Fork, publish, told } from './failover-scene.js';
import type { TestHub } from './hubs.js';

const fork = Fork.use();
afterEach(() => jest.restoreAllMocks());

/** The new links of two processes are subscribed, and take their turns to be proven. */
function holdLinks(): {
  readonly isHeld: (test: TestHub) => boolean;
  readonly release: (test: TestHub) => void;
} {
  const held = new Map<unknown, ReturnType<typeof deferred<void>>>();
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its object
  const { prove } = NewLink.prototype;
  jest.spyOn(NewLink.prototype, 'prove').mockImplementation(async function (this: NewLink, isCurrent) {
    const turn = held.get(this) ?? deferred();
    held.set(this, turn);
    await turn.promise;
    return prove.call(this, isCurrent);
  });
  const linkOf = ({ hub }: TestHub) =>
    (hub['node'].shards.home.broker as unknown as { newLink: unknown }).newLink;
  return {
    isHeld: (test) => held.has(linkOf(test)),
    release: (test) => held.get(linkOf(test))!.resolve(),
  };
}

/** Two processes lose an event, and the notice of the first comes before the link of the second is up. @returns what clients of both are told */
async function loseTogether(): Promise<ReturnType<typeof told>[]> {
  const { scene, hubs, old: first } = fork;
  const { prefix, proxy, next } = scene;
  const second = await hubs.start({ redis: `redis://127.0.0.1:${proxy.port}`, prefix });
  await publish(first, 'news', 1);
  const clients = await Promise.all([first, second].map((test) => test.client(['news'])));
  await scene.promote();
  await publish(first, 'news', 2);
  await Promise.all(clients.map((client) => client.waitFor(1)));

  const links = holdLinks();
  const switching = scene.switchOver();
  await until(() => [first, second].every(links.isHeld));
  links.release(first);
  await switching;
  await until(async () => Number(await next.cli('XLEN', `{${prefix}}:log:${LOSSES_CHANNEL}`)) > 0);
  links.release(second);
  await until(() => second.hub.stats().linkUp);
  await publish(second, 'news', 11);
  await until(() => clients.every(({ messages }) => told(messages).includes(11)));
  return clients.map(({ messages }) => told(messages));
}

const gap = { channel: 'news', to: expect.any(String) };

it('tells clients once of what a failover lost where the notice of another process comes before the link is up', async () => {
  expect(await loseTogether()).toEqual([
    [2, gap, 11],
    [2, gap, 11],
  ]);
});

it('tells clients twice where one subscriber catches up before others have gone back (negative control)', async () => {
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its object
  const { linkRestored } = Subscriber.prototype;
  jest.spyOn(Subscriber.prototype, 'linkRestored').mockImplementation(function (this: Subscriber, ...args) {
    linkRestored.apply(this, args);
    this.catchUp();
  });
  expect(await loseTogether()).toEqual([
    [2, gap, 11],
    [2, gap, gap, 11],
  ]);
});
