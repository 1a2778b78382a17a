import { defineChannel, type EventOf, type SseHub } from 'nestjs-sse-redis';
import type { SsePublisher } from '../../src/publisher/index.js';
import { z } from 'zod';
import { orders } from './definitions.js';
import type { Equal, Expect } from './expect.js';

declare const hub: SseHub;
declare const publisher: SsePublisher;
export const boards = defineChannel('board:{id}', {
  events: { moved: z.object({ x: z.number() }), named: z.string() },
  state: { maxKeys: 100 },
});
const all = defineChannel('all:{id}', { state: true });
const plain = defineChannel('plain:{id}', { state: false, events: { moved: z.object({ x: z.number() }) } });
const board = boards({ id: 1 });

// Each event has a key.
void hub.publish(board, 'moved', { x: 1 }, { key: 'a' });
void hub.publish(board, 'moved', { x: 1 }, { key: 'a', idempotencyKey: 'b', replicas: 1 });
void hub.publish(board, { type: 'named', data: 'b' }, { key: 'a' });
void hub.publish(all({ id: 1 }), { data: 1 }, { key: 'a' });
void publisher.publish(board, 'moved', { x: 1 }, { key: 'a' });
// @ts-expect-error -- no key
void hub.publish(board, 'moved', { x: 1 });
// @ts-expect-error -- no key
void hub.publish(board, 'moved', { x: 1 }, { replicas: 1 });
// @ts-expect-error -- no key
void hub.publish(board, { type: 'named', data: 'b' });
// @ts-expect-error -- no key
void hub.publish(all({ id: 1 }), { data: 1 });
// @ts-expect-error -- a key is text
void hub.publish(board, 'moved', { x: 1 }, { key: 5 });
// @ts-expect-error -- a map keeps its events
void hub.publish(board, 'moved', { x: 1 }, { key: 'a', ephemeral: true });
// @ts-expect-error -- no key
void publisher.publish(board, 'moved', { x: 1 });

// Other channels have none.
void hub.publish(plain({ id: 1 }), 'moved', { x: 1 });
// @ts-expect-error -- no state channel
void hub.publish(plain({ id: 1 }), 'moved', { x: 1 }, { key: 'a' });
// @ts-expect-error -- no state channel
void hub.publish(plain({ id: 1 }), { type: 'moved', data: { x: 1 } }, { key: 'a' });
// Of a name TypeScript knows nothing.
void hub.publish('board:1', { data: 1 }, { key: 'a' });
void hub.publish('board:1', { data: 1 });

void hub.remove(board, 'a');
void hub.remove('board:1', 'a', { idempotencyKey: 'b' });
void publisher.remove(board, 'a');
// @ts-expect-error -- no key
void hub.remove(board);
// @ts-expect-error -- no state channel
void hub.remove(orders({ id: 1 }), 'a');
// @ts-expect-error -- no state channel
void hub.remove(plain({ id: 1 }), 'a');

// @ts-expect-error -- no such option
defineChannel('a', { state: { keys: 5 } });

export type _Events = Expect<Equal<EventOf<typeof board>['type'], 'moved' | 'named' | 'map'>>;
hub.events(board).subscribe((event) => {
  if (event.type === 'moved') event.data.x.toFixed(2);
  if (event.type === 'map' && 'removed' in event.data) event.data.removed.slice(1);
  if (event.type === 'map' && 'conflated' in event.data) event.data.conflated.toFixed();
  // @ts-expect-error -- a map has no gap
  if (event.type === 'gap') return;
});
