import type { SseHub } from 'nestjs-sse-redis';
import { of } from 'rxjs';
import { loose, news, orders, tokens } from './definitions.js';

declare const hub: SseHub;
const order = orders({ id: 7 });
const answer = tokens({ user: 'anna', id: 1 });

// The data is the input of the schema: a field with a default may be left out.
void hub.publish(order, 'paid', { amount: 12 });
void hub.publish(order, 'paid', { amount: 12, note: 'a' }, { idempotencyKey: 'a', replicas: 1 });
void hub.publish(order, 'seen', { at: '2026-11-28' });
void hub.publish(order, 'shipped', { code: 'abc', items: [{ price: 1 }] });
void hub.publish(order, 'returned', { code: 'abc', items: [] });
void hub.publish(order, { type: 'paid', data: { amount: 12 } }, { ephemeral: true });
// @ts-expect-error -- no such event
void hub.publish(order, 'payed', { amount: 12 });
// @ts-expect-error -- no data
void hub.publish(order, 'paid');
// @ts-expect-error -- a field is missing
void hub.publish(order, 'paid', {});
// @ts-expect-error -- a field has another type
void hub.publish(order, 'paid', { amount: '12' });
// @ts-expect-error -- no such field
void hub.publish(order, 'paid', { amount: 12, amout: 13 });
// @ts-expect-error -- the output of the schema is no input
void hub.publish(order, 'seen', { at: new Date() });
// @ts-expect-error -- the data of another event
void hub.publish(order, 'shipped', { amount: 12 });
// @ts-expect-error -- the data of another event
void hub.publish(order, { type: 'shipped', data: { amount: 12 } });
// @ts-expect-error -- without a type it is a message
void hub.publish(order, { data: { amount: 12 } });
// @ts-expect-error -- no such option
void hub.publish(order, 'paid', { amount: 12 }, { key: 'a' });
// @ts-expect-error -- a definition is no channel
void hub.publish(orders, 'paid', { amount: 12 });

// Without events in its definition a channel takes any.
void hub.publish(loose({ id: 1 }), 'anything', { at: 'all' });
void hub.publish(news(), { data: 5 });

// Plain channels stay as they are.
void hub.publish('news', { type: 'article', data: { title: 'one' } });
void hub.publish('news', { data: 'text' }, { ephemeral: true });
declare const event: { type?: string; data: unknown };
void hub.publish('news', event);
// @ts-expect-error -- a type needs a definition
void hub.publish('news', 'article', { title: 'one' });
// @ts-expect-error -- no data
void hub.publish('news', { type: 'article' });
// @ts-expect-error -- no channel
void hub.publish({ name: 'news' }, { data: 1 });

void hub.publishMany([
  { channel: 'news', data: 1 },
  { channel: order, type: 'paid', data: { amount: 12 } },
]);

// A pipe takes the events of the channel; a string is a message.
async function* words() {
  await Promise.resolve();
  yield 'one';
}
void hub.pipe(answer, words());
void hub.pipe(answer, ['one', { type: 'message', data: 'two' }]);
void hub.pipe(order, of({ type: 'paid' as const, data: { amount: 1 } }));
void hub.pipe('news', ['one', { type: 'any', data: 1 }]);
void hub.pipe(loose({ id: 1 }), words());
// @ts-expect-error -- an order has no messages
void hub.pipe(order, words());
// @ts-expect-error -- the data is no string
void hub.pipe(answer, [{ type: 'message', data: 2 }]);
// @ts-expect-error -- no such event
void hub.pipe(order, of({ type: 'payed' as const, data: { amount: 1 } }));
