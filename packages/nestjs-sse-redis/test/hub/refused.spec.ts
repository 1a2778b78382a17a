import { compare, ownIdOf, until } from '@nestjs-sse-redis/testing';
import { Hubs } from './hubs.js';

/**
 * A client that comes back while the subscription is away is refused with an `error` event. That event has the client's
 * position for its `lastEventId`, which is the id of the event before it.
 */
describe('a client that is refused once, and comes back', () => {
  const hubs = Hubs.over('redis');

  /** Whether Redis takes a publish. @returns the id of the event, if it does */
  const attempt = (publish: Promise<{ id: string }>): Promise<string | undefined> =>
    publish.then(
      ({ id }) => id,
      () => undefined,
    );

  it('receives every event once, while the hub events between them repeat an id', async () => {
    const test = await hubs.start();
    const { hub } = test;
    const client = test.reconnectingClient(['news']);
    await until(() => client.lastEventId !== '');
    const ids = [(await hub.publish('news', { type: 'tick', data: 1 })).id];
    await client.waitForEvents(1);

    await hubs.redis.kill();
    await until(async () => !(await attempt(hub.publish('news', { data: 'never' }))));
    await client.drop();
    await client.waitFor(({ type }) => type === 'error');
    await hubs.redis.restart();
    const publish = () => hub.publish('news', { type: 'tick', data: 2 }, { idempotencyKey: '2' });
    ids.push(await until(() => attempt(publish())));
    await client.waitForEvents(2);

    expect(compare(ids, client.eventIds).report()).toMatch(/^whole/);
    // The negative control: ids of all messages, as a client that tells events apart by their id would take them.
    expect(compare(ids, client.ledger.map(ownIdOf)).doubled).toContain(ids[0]);
    expect(client.ledger.map(({ type }) => type)).toEqual(expect.arrayContaining(['error', 'gap']));
  });
});
