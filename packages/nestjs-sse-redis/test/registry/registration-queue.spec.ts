import type { NewConnection } from '../../src/broker/registry-store.interface.js';
import { RegistrationQueue, type RegistrationSink } from '../../src/registry/registration-queue.js';

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
