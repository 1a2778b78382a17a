import { deferred, until } from '@nestjs-sse-redis/testing';
import type { NewConnection } from '../../src/broker/registry-store.interface.js';
import { RegistrationQueue, type RegistrationSink } from '../../src/registry/registration-queue.js';

const MORE_THAN_A_BATCH = 300;
const MICROTASKS = Array.from({ length: 20 }, (_, i) => i);

const connection = (id: string) => ({ id, channels: [] }) as unknown as NewConnection;

/** Redis that is slower than the queue's pause, so that the queue looks for more at once. */
class SlowSink implements RegistrationSink {
  readonly taken: string[] = [];
  onTaken: (() => void) | undefined;

  async registerBatch(connections: readonly NewConnection[]) {
    const until = performance.now() + 30;
    while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
    this.taken.push(...connections.map(({ id }) => id));
    this.onTaken?.();
    return connections.map(() => 'admitted' as const);
  }

  unregisterBatch = () => Promise.resolve();
  update = () => Promise.resolve(true);
  pause = () => Promise.resolve();
}

it.each(MICROTASKS)('sends an arrival %i microtasks after the last one was taken', async (count) => {
  const sink = new SlowSink();
  const queue = new RegistrationQueue(sink);
  const second = new Promise((resolve) => {
    sink.onTaken = () => {
      sink.onTaken = undefined;
      let left = count;
      const wait = (): void => {
        if (left-- > 0) queueMicrotask(wait);
        else resolve(queue.register(connection('second')));
      };
      wait();
    };
  });
  await queue.register(connection('first'));
  expect(await second).toBe('admitted');
  expect(sink.taken).toEqual(['first', 'second']);
});

it('refuses all that have waited as long as a batch that was refused, and sends a later arrival', async () => {
  const refused = deferred<never>();
  let batches = 0;
  const sink: RegistrationSink = {
    registerBatch: (connections) => {
      batches++;
      return batches === 1 ? refused.promise : Promise.resolve(connections.map(() => 'admitted' as const));
    },
    unregisterBatch: () => Promise.resolve(),
    update: () => Promise.resolve(true),
    pause: () => Promise.resolve(),
  };
  const queue = new RegistrationQueue(sink);
  const together = Array.from({ length: MORE_THAN_A_BATCH }, (_, i) => queue.register(connection(`${i}`)));
  await until(() => batches === 1);
  const asked = performance.now();
  await until(() => performance.now() > asked);
  const later = queue.register(connection('later'));
  refused.reject(new Error('refused'));
  const outcomes = await Promise.allSettled(together);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(MORE_THAN_A_BATCH);
  expect(await later).toBe('admitted');
});
