import { jest } from '@jest/globals';
import { deferred, until } from '@nestjs-sse-redis/testing';
import type { RegistryStore, Renewal, RenewalOptions } from '../../src/broker/registry-store.interface.js';
import { NodeRegistration } from '../../src/registry/node-registration.js';

const RENEWED: Renewal = { isNew: false, connections: 0, runsOut: undefined };
const FAILURE = new Error('the connection was cut');

/** A process that renews its lease at a registry that the test answers for. */
function create(leaseTtl: number, renew: (call: number) => Promise<Renewal>) {
  const calls: RenewalOptions[] = [];
  const store = {
    renew: (_node: unknown, _ttl: number, options: RenewalOptions) => {
      calls.push(options);
      return renew(calls.length);
    },
    leave: () => Promise.resolve({ more: false }),
  } as unknown as RegistryStore;
  const options = {
    ...{ leaseTtl, sweepInterval: leaseTtl, idle: 'normal' as const },
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

it('goes on to renew where a renewal that was not answered fails after the next one was due', async () => {
  const unanswered = deferred<Renewal>();
  const { registration, calls } = create(90, (call) =>
    call === 2 ? unanswered.promise : Promise.resolve(RENEWED),
  );
  await registration.start();
  await until(() => calls.length === 2);
  const asked = performance.now();
  await until(() => performance.now() - asked > 300);
  unanswered.reject(FAILURE);
  await until(() => calls.length >= 4);
  await registration.stop();
  expect(calls.length).toBeGreaterThanOrEqual(4);
});

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
