import { jest } from '@jest/globals';
import { deferred, until } from '@nestjs-sse-redis/testing';
import type { RegistryStore, Renewal, RenewalOptions } from '../../src/broker/registry-store.interface.js';
import { NodeRegistration } from '../../src/registry/node-registration.js';

const RENEWED: Renewal = { isNew: false, connections: 0, runsOut: undefined };
const FAILURE = new Error('the connection was cut');

/** A process that renews its lease at a registry that the test answers for. */
function create(
  leaseTtl: number,
  renew: (call: number) => Promise<Renewal>,
  idle: 'normal' | 'cheap' = 'normal',
) {
  const calls: RenewalOptions[] = [];
  const store = {
    renew: (_node: unknown, _ttl: number, options: RenewalOptions) => {
      calls.push(options);
      return renew(calls.length);
    },
    leave: () => Promise.resolve({ more: false }),
  } as unknown as RegistryStore;
  const options = {
    ...{ leaseTtl, sweepInterval: leaseTtl, idle },
    ...{ connectionsPerUser: 0, connectionsPerAddress: 0 },
  };
  const node = { id: 'n', host: 'here', pid: 1 };
  const registration = new NodeRegistration(node, store, options, () => Promise.resolve());
  return { registration, calls };
}

it('tries a renewal that failed again long before the next one is due', async () => {
  // A third of it is longer than `until` waits.
  const { registration, calls } = create(600_000, (call) =>
    call === 2 ? Promise.reject(FAILURE) : Promise.resolve(RENEWED),
  );
  await registration.start();
  registration.proveLink();
  await until(() => calls.length >= 3);
  await registration.stop();
  expect(calls).toHaveLength(3);
});

it('tries a renewal that failed again as soon as the link is restored', async () => {
  const { registration, calls } = create(600_000, (call) =>
    call === 2 ? Promise.reject(FAILURE) : Promise.resolve(RENEWED),
  );
  await registration.start();
  const retry = jest.spyOn(registration.renewals, 'retry').mockReturnValue();
  registration.proveLink();
  await until(() => retry.mock.calls.length > 0);
  registration.linkRestored();
  await until(() => calls.length >= 3);
  registration.linkRestored();
  await registration.stop();
  expect(calls).toHaveLength(3);
});

it.each([
  ['fails', (answer: ReturnType<typeof deferred<Renewal>>) => answer.reject(FAILURE)],
  ['is answered', (answer: ReturnType<typeof deferred<Renewal>>) => answer.resolve(RENEWED)],
] as const)('goes on to renew where a renewal %s after the next one was due', async (_, settle) => {
  const unanswered = deferred<Renewal>();
  const { registration, calls } = create(90, (call) =>
    call === 2 ? unanswered.promise : Promise.resolve(RENEWED),
  );
  await registration.start();
  await until(() => calls.length === 2);
  const asked = performance.now();
  await until(() => performance.now() - asked > 300);
  settle(unanswered);
  await until(() => calls.length >= 4);
  await registration.stop();
  expect(calls.length).toBeGreaterThanOrEqual(4);
});

describe('a renewal', () => {
  /** ms. No renewal is due while a test runs. */
  const LEASE = 600_000;

  /** @returns until when its renewals had to be answered, in ms since the epoch */
  function watch(registration: NodeRegistration) {
    const heed = jest.spyOn(registration.sweeper, 'heed');
    return () => heed.mock.calls.map(([, inTime]) => inTime!);
  }

  it.each(['normal', 'cheap'] as const)(
    'tells of no outage where it was answered in time, and idle is %s',
    async (idle) => {
      const { registration, calls } = create(LEASE, () => Promise.resolve(RENEWED), idle);
      const inTime = watch(registration);
      await registration.start();
      // Long idle: the lease that ends is that of a process in use.
      registration.renewals['usedAt'] -= 2 * LEASE;
      registration.proveLink();
      await until(() => calls.length === 2 && registration['joining'] === undefined);
      expect(registration.renewals.pace).toBe(idle === 'cheap' ? 12 : 1);
      for (const time of inTime()) expect(time).toBeGreaterThan(Date.now());
      expect(registration.sweeper['certainFrom']).toBe(-Infinity);
      await registration.stop();
    },
  );

  it.each(['normal', 'cheap'] as const)(
    'tells of an outage where it was held up, and idle is %s (negative control)',
    async (idle) => {
      const { registration, calls } = create(LEASE, () => Promise.resolve(RENEWED), idle);
      const inTime = watch(registration);
      await registration.start();
      registration.renewals['usedAt'] -= 2 * LEASE;
      registration.proveLink();
      await until(() => calls.length === 2 && registration['joining'] === undefined);
      // The machine stood still for longer than others have a lease.
      registration.renewals.dueAt = Date.now() - LEASE;
      registration.proveLink();
      await until(() => calls.length === 3 && registration['joining'] === undefined);
      expect(inTime()[2]).toBeLessThan(Date.now());
      expect(registration.sweeper['certainFrom']).toBeGreaterThan(0);
      await registration.stop();
    },
  );
});

it('sends the next renewal soon where one was answered after the process stood still', async () => {
  // An interval that is longer than `until` waits.
  const unanswered = deferred<Renewal>();
  const { registration, calls } = create(600_000, (call) =>
    call === 2 ? unanswered.promise : Promise.resolve(RENEWED),
  );
  await registration.start();
  registration.proveLink();
  const timer = registration.renewals['timer']!;
  // It is overdue, and comes before the answer.
  (timer as unknown as { _onTimeout(): void })._onTimeout();
  unanswered.resolve(RENEWED);
  await until(() => calls.length >= 3);
  await registration.stop();
  expect(calls).toHaveLength(3);
});

it('counts a process for living where an outage began while the registry was asked', async () => {
  const nodes = deferred<never[]>();
  const { registration } = create(600_000, (call) =>
    call === 2 ? Promise.reject(FAILURE) : Promise.resolve(RENEWED),
  );
  registration['store'].nodes = () => nodes.promise;
  await registration.start();
  jest.spyOn(registration.renewals, 'retry').mockReturnValue();
  const mayLive = registration.mayLive('another');
  registration.proveLink();
  await until(() => registration.sweeper.isCutOff);
  nodes.resolve([]);
  expect(await mayLive).toBe(true);
  await registration.stop();
});

it.each([
  ['cheap', true],
  ['normal', false],
] as const)(
  'notices a lost link without a renewal only where an idle process is cheap: %s',
  async (idle, isNoticed) => {
    const { registration, calls } = create(600_000, () => Promise.resolve(RENEWED), idle);
    await registration.start();
    registration.renewals['usedAt'] -= 1_200_000;
    registration.proveLink();
    await until(() => calls.length === 2 && registration['joining'] === undefined);
    registration.linkLost();
    expect(registration.sweeper.isCutOff).toBe(isNoticed);
    registration.linkRestored();
    await until(() => registration['joining'] === undefined);
    expect(calls).toHaveLength(isNoticed ? 3 : 2);
    // Others have time from now on.
    expect(registration.sweeper['certainFrom'] > 0).toBe(isNoticed);
    await registration.stop();
  },
);

it('has its connections counted by the renewal after one that failed, which may have taken a new lease', async () => {
  const { registration, calls } = create(600_000, (call) =>
    call === 3 ? Promise.reject(FAILURE) : Promise.resolve(RENEWED),
  );
  await registration.start();
  registration.proveLink();
  await until(() => registration['joining'] === undefined);
  registration.proveLink();
  await until(() => calls.length >= 4);
  await registration.stop();
  expect(calls.map(({ count }) => count)).toEqual([true, false, false, true]);
});
