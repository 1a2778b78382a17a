import { defineChannel, OnSseEvent, type EventOf, type SseEvent } from 'nestjs-sse-redis';
import { z } from 'zod';
import { orders } from './definitions.js';
import type { Equal, Expect } from './expect.js';

const jobs = defineChannel('job:{id}', { events: { done: z.object({ ms: z.number() }) }, listeners: true });
defineChannel('job:{id}', { listeners: { maxLength: 5, ttl: 60_000 } });
export type _Same = Expect<Equal<EventOf<typeof jobs>, EventOf<ReturnType<typeof jobs>>>>;
// @ts-expect-error -- no such setting
defineChannel('job:{id}', { listeners: { rewind: 5 } });

export class Listeners {
  // A definition brings the events of its channels.
  @OnSseEvent(jobs, { once: 'cluster' })
  onJob(event: EventOf<typeof jobs>): void {
    if (event.type === 'done') event.data.ms.toFixed();
  }

  @OnSseEvent([jobs, orders({ id: 7 }), 'plain'], { once: 'node' })
  onAny({ channel }: SseEvent): void {
    channel.slice(1);
  }

  @OnSseEvent('job:{id}', { once: 'node' })
  onPattern({ data }: SseEvent): unknown {
    return data;
  }

  // @ts-expect-error -- no event of the definition has such data
  @OnSseEvent(jobs, { once: 'node' })
  onWrong({ data }: { readonly data: { readonly seconds: number } }): void {
    data.seconds.toFixed();
  }
}
