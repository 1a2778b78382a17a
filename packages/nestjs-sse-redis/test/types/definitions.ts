import { classSchema, defineChannel, SseRedisModule, type ChannelReference } from 'nestjs-sse-redis';
import { z } from 'zod';
import * as z4 from 'zod/v4';
import { ShippedDto } from '../channels/orders.js';
import type { Equal, Expect } from './expect.js';

export const orders = defineChannel('order:{id}', {
  events: {
    paid: z.object({ amount: z.number(), note: z.string().default('none') }),
    seen: z4.object({ at: z4.string().transform((text) => new Date(text)) }),
    shipped: ShippedDto,
    returned: classSchema(ShippedDto, { whitelist: true }),
  },
  history: { maxLength: 200 },
  rewind: 5,
  authorize: (client, { id }) => client.user === id.trim(),
});
export const tokens = defineChannel('answer:{user}:{id}', { events: { message: z.string() } });
export const loose = defineChannel('loose:{id}', { authorize: 'user', ephemeral: true });
export const news = defineChannel('news', { authorize: true });

// Parameters come from the pattern.
orders({ id: 7 });
orders({ id: '7' });
tokens({ user: 'anna', id: 7 });
news();
// @ts-expect-error -- no parameters
orders();
// @ts-expect-error -- no value
orders({});
// @ts-expect-error -- no value
orders({ id: undefined });
// @ts-expect-error -- no value
orders({ id: null });
// @ts-expect-error -- no such placeholder
orders({ id: 7, part: 'a' });
// @ts-expect-error -- another name
orders({ number: 7 });
// @ts-expect-error -- neither a string nor a number
orders({ id: true });
// @ts-expect-error -- one of two
tokens({ user: 'anna' });
// @ts-expect-error -- a pattern without placeholders
news({ id: 7 });

// A pattern that is known only when the application runs.
const fromSettings: string = 'a:{b}';
const dynamic = defineChannel(fromSettings);
dynamic({ b: 1 });
dynamic();
// @ts-expect-error -- no value
dynamic({ b: undefined });

// A definition tells its events.
type EventsOf<T> = T extends (...args: never[]) => ChannelReference<infer Events> ? keyof Events : never;
export type _Events = Expect<Equal<EventsOf<typeof orders>, 'paid' | 'seen' | 'shipped' | 'returned'>>;
export type _Pattern = Expect<Equal<(typeof orders)['pattern'], 'order:{id}'>>;
// @ts-expect-error -- it is frozen
orders.rewind = 6;

// Options of a definition.
// @ts-expect-error -- no schema
defineChannel('a', { events: { paid: 'number' } });
// @ts-expect-error -- no Standard Schema
defineChannel('a', { events: { paid: { parse: (value: unknown) => value } } });
defineChannel('a', { history: { maxLength: 5, ttl: 60_000, ttlAfterEnd: 60_000 } });
// @ts-expect-error -- ms
defineChannel('a', { history: { ttl: '1h' } });
// @ts-expect-error -- a refusal is a function
defineChannel('a', { authorize: false });
// @ts-expect-error -- no such placeholder
defineChannel('a:{b}', { authorize: (_client, { c }) => c === '' });
// @ts-expect-error -- returns nothing
defineChannel('a:{b}', { authorize: (_client, { b }) => void b });

// Registration.
SseRedisModule.forRoot({ channels: [orders, tokens, loose, news, dynamic] });
SseRedisModule.forFeature([orders]);
SseRedisModule.forFeature([orders], { prefix: 'two' });
SseRedisModule.forRootAsync({ useFactory: () => ({ channels: [orders] }) });
// @ts-expect-error -- a pattern is no definition
SseRedisModule.forRoot({ channels: ['order:{id}'] });
// @ts-expect-error -- a reference is no definition
SseRedisModule.forFeature([orders({ id: 7 })]);
