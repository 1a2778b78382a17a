import {
  defineChannel,
  InvalidChannelError,
  InvalidEventDataError,
  InvalidEventError,
} from '../../src/publisher/index.js';
import { orders, paid } from '../channels/orders.js';
import { dataOf, failureOf, Hubs } from '../hub/hubs.js';
import { Scene } from './publishers.js';

const hubs = Hubs.over('redis');
const long = defineChannel('long:{id}', { history: { maxLength: 3_000 } });

describe('a publisher with channel definitions', () => {
  it('checks the data of events as the hub does, also of classes, and stores what schemas make of them', async () => {
    const scene = await Scene.start(hubs, { channels: [orders] });
    const publisher = scene.publisher({ channels: [orders] });
    const order = orders({ id: 7 });
    // Not awaited: the order of calls holds.
    const first = publisher.publish(order, 'paid', { amount: 12 });
    const second = publisher.publish(order, {
      type: 'shipped',
      data: { code: 'abc', items: [{ price: 1 }] },
    });
    await Promise.all([first, second]);
    const { events } = await scene.test.hub.history('order:7');
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['paid', paid],
      ['shipped', { code: 'abc', items: [{ price: 1 }] }],
    ]);
    const wrong = await failureOf(publisher.publish(order, 'paid', { amount: -1 }));
    expect(wrong).toBeInstanceOf(InvalidEventDataError);
    expect(wrong).toMatchObject({ issues: [{ path: 'amount' }] });
    const used = { code: 'used', items: [{ price: 1.5 }] };
    const issues = (await failureOf(publisher.publish('order:7', { type: 'shipped', data: used })))['issues'];
    expect(issues).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: 'code' }),
        expect.objectContaining({ path: 'items.0.price' }),
      ]),
    );
    const unknown = await failureOf(publisher.publish('order:7', { type: 'lost', data: 1 }));
    expect(unknown).toBeInstanceOf(InvalidEventError);
    const [many] = await publisher.publishMany([{ channel: order, type: 'paid', data: { amount: 'x' } }]);
    expect(many).toMatchObject({ error: expect.any(InvalidEventDataError) });
    expect(dataOf(await scene.test.hub.history('order:7'))).toHaveLength(2);
  });

  it('keeps as many events as the definition says', async () => {
    const scene = await Scene.start(hubs, { channels: [long], history: { maxLength: 100 } });
    const publisher = scene.publisher({ channels: [long] });
    const events = Array.from({ length: 2_000 }, (_, data) => ({ channel: long({ id: 'a' }), data }));
    await publisher.publishMany(events);
    const { gap, events: kept } = await scene.test.hub.history(long({ id: 'a' }), { limit: 1_000 });
    expect([gap, kept.length]).toEqual([false, 1_000]);
    expect(await hubs.redis.cli('XLEN', `{${scene.prefix}}:log:long:a`)).toBe(2_000);
  });

  it('refuses a reference of a definition that it does not have', async () => {
    const scene = await Scene.start(hubs, { channels: [orders] });
    const error = await failureOf(scene.publisher().publish(orders({ id: 7 }), 'paid', { amount: 1 }));
    expect(error).toBeInstanceOf(InvalidChannelError);
    expect(error.message).toContain('not registered');
  });
});
