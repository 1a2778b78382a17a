import { QueryClient } from '@tanstack/query-core';
import { ref, watchEffect } from 'vue';
import { QueryBatch } from '../../src/tanstack-query/query-batch.js';

describe('QueryBatch', () => {
  let queries: QueryClient;
  let errors: unknown[];
  let batch: QueryBatch;
  const append =
    (n: number) =>
    (before: number[] = []) => {
      before.push(n);
      return before;
    };

  beforeEach(() => {
    queries = new QueryClient();
    errors = [];
    batch = new QueryBatch(queries, (error) => errors.push(error));
  });
  afterEach(() => queries.clear());

  it('makes the changes of all events where a hidden page has gathered them for a minute', () => {
    for (let n = 0; n < 50_000; n++) batch.set(['paid'], append(n));
    batch.flush();
    expect(errors).toEqual([]);
    expect(queries.getQueryData<number[]>(['paid'])).toHaveLength(50_000);
  });

  it('keeps the order of the events where the fields of a key come in another order', () => {
    batch.set(['order', { id: 1, of: 'ada' }], append(1));
    batch.set(['order', { of: 'ada', id: 1 }], append(2));
    batch.set(['order', { id: 1, of: 'ada' }], append(3));
    batch.flush();
    expect(queries.getQueryData(['order', { id: 1, of: 'ada' }])).toEqual([1, 2, 3]);
  });

  it('changes the query that a ref of Vue in its key named when the event came', () => {
    const id = ref(7);
    // A component that shows it makes rings of objects of it.
    const stop = watchEffect(() => void id.value);
    const key = () => ['order', id, { of: [id] }];
    batch.set(key(), append(1));
    batch.invalidate(key());
    id.value = 8;
    batch.set(key(), append(2));
    batch.flush();
    stop();
    expect(errors).toEqual([]);
    expect(queries.getQueryData(['order', 7, { of: [7] }])).toEqual([1]);
    expect(queries.getQueryData(['order', 8, { of: [8] }])).toEqual([2]);
    expect(queries.getQueryState(['order', 7, { of: [7] }])).toMatchObject({ isInvalidated: true });
  });

  it('changes queries whose keys JSON cannot carry where the application has a function for these', () => {
    const queryKeyHashFn = (key: readonly unknown[]) => key.map(String).join();
    const own = new QueryClient({ defaultOptions: { queries: { queryKeyHashFn } } });
    const changes = new QueryBatch(own, (error) => errors.push(error));
    changes.set(['order', 7n], append(7));
    changes.set(['order', Symbol.for('a')], append(1));
    changes.set(['order', Symbol.for('b')], append(2));
    changes.flush();
    expect(errors).toEqual([]);
    expect(own.getQueryData(['order', 7n])).toEqual([7]);
    expect(own.getQueryData(['order', Symbol.for('a')])).toEqual([1]);
    expect(own.getQueryData(['order', Symbol.for('b')])).toEqual([2]);
    own.clear();
  });

  it('makes the changes of the other events of a frame where a function throws', () => {
    batch.set(['paid'], append(1));
    batch.set(['paid'], () => {
      throw new Error('of its own');
    });
    batch.set(['paid'], append(3));
    batch.flush();
    expect(errors).toHaveLength(1);
    expect(queries.getQueryData(['paid'])).toEqual([1, 3]);
  });
});
