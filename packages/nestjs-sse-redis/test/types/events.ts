import type { EventOf, HubEvent, Jsonified, SseEvent, SseHub } from 'nestjs-sse-redis';
import type { Observable } from 'rxjs';
import { loose, orders } from './definitions.js';
import type { Equal, Expect } from './expect.js';

declare const hub: SseHub;
const order = orders({ id: 7 });

// `type` tells the events apart, and the data is what JSON made of the schema's output.
hub.events(order, { rewind: 5 }).subscribe((event) => {
  if (event.type === 'paid') {
    const { amount, note } = event.data;
    amount.toFixed(2);
    note.trim();
    // @ts-expect-error -- of another event
    void event.data.code;
  }
  if (event.type === 'seen') {
    event.data.at.slice(0, 10);
    // @ts-expect-error -- a Date is a string behind JSON
    event.data.at.getTime();
  }
  if (event.type === 'shipped') event.data.items[0]?.price.toFixed(2);
  if (event.type === 'gap') event.data.to.slice(1);
  if (event.type === 'error') event.data.code.slice(1);
  // @ts-expect-error -- no such event
  if (event.type === 'payed') return;
  // @ts-expect-error -- of which event?
  void event.data.amount;
});

export type _All = Expect<
  Equal<EventOf<typeof order>['type'], 'paid' | 'seen' | 'shipped' | 'returned' | 'gap' | 'end' | 'error'>
>;

/** Every event is handled. */
export function describe(event: EventOf<typeof order>): string {
  switch (event.type) {
    case 'paid':
      return event.data.note;
    case 'seen':
      return event.data.at;
    case 'shipped':
    case 'returned':
      return event.data.code;
    case 'gap':
    case 'end':
    case 'error':
      return event.type;
    default: {
      const none: never = event;
      return none;
    }
  }
}

export async function read(): Promise<void> {
  const { events, cursor } = await hub.history(order, { limit: 5 });
  const [first] = events;
  if (first?.type === 'paid') first.data.amount.toFixed(2);
  // @ts-expect-error -- no such event
  if (first?.type === 'payed') return;
  hub.events(order, { after: cursor });
}

// Without events in its definition, or by a name, an event is any.
export type _Loose = Expect<Equal<ReturnType<typeof ofLoose>, Observable<SseEvent>>>;
export const ofLoose = () => hub.events(loose({ id: 1 }));
export type _Plain = Expect<Equal<ReturnType<typeof ofPlain>, Observable<SseEvent>>>;
export const ofPlain = () => hub.events('news');
// @ts-expect-error -- unknown
hub.events('news').subscribe(({ data }) => data.title);

export type _Gap = Expect<Equal<(HubEvent & { type: 'gap' })['data']['from'], string | null>>;

// What JSON makes of values.
interface Written {
  at: Date;
  count?: number;
  tags: readonly string[];
  pair: [Date, number];
  nested: { at: Date } | null;
  anything: unknown;
  kind: 'a' | 'b';
  print(): void;
}
interface Read {
  at: string;
  count?: number;
  tags: readonly string[];
  pair: [string, number];
  nested: { at: string } | null;
  anything: unknown;
  kind: 'a' | 'b';
}
export const asRead = (written: Jsonified<Written>): Read => written;
export const asWritten = (read: Read): Jsonified<Written> => read;
