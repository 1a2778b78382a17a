import { QueryClient, QueryObserver } from '@tanstack/query-core';
import { createClient } from 'nestjs-sse-redis-client';
import { bridgeQueries } from '../../src/tanstack-query/index.js';
import { QueryBatch } from '../../src/tanstack-query/query-batch.js';

/** What a test reads of the page. */
export interface QueryView {
  readonly paid: readonly unknown[];
  /** How often the query of payments was told to have changed. */
  readonly renderings: number;
  readonly frames: number;
  readonly shipped: number;
  /** How often the query of shipments was loaded. */
  readonly loads: number;
  readonly errors: readonly string[];
}

/**
 * A page whose queries follow a channel.
 *
 * @param without takes the gathering of a frame away: each event changes its query at once
 */
export function mount(url: string, without?: 'frames'): { read(): QueryView } {
  if (without === 'frames') {
    const batch = QueryBatch.prototype as unknown as { schedule(): void; flush(): void };
    batch.schedule = function () {
      this.flush();
    };
  }
  const queries = new QueryClient();
  const view = { renderings: 0, frames: 0, shipped: 0, loads: 0, errors: [] as string[] };
  const count = () => {
    view.frames++;
    requestAnimationFrame(count);
  };
  count();
  queries.setQueryData(['paid'], []);
  new QueryObserver(queries, { queryKey: ['paid'], enabled: false }).subscribe(() => view.renderings++);
  const queryFn = () => Promise.resolve(++view.loads);
  new QueryObserver(queries, { queryKey: ['shipments'], queryFn }).subscribe(() => undefined);

  const channel = createClient({ url }).channel('order:1');
  bridgeQueries(
    queries,
    channel,
    {
      paid: (data, changes) => changes.set<unknown[]>(['paid'], (before = []) => [...before, data]),
      shipped: (_, changes) => {
        view.shipped++;
        changes.invalidate(['shipments']);
      },
      wrong: () => {
        throw new Error('of its own');
      },
    },
    (error) => view.errors.push(String(error)),
  );
  return { read: () => ({ ...view, paid: queries.getQueryData<unknown[]>(['paid']) ?? [] }) };
}
