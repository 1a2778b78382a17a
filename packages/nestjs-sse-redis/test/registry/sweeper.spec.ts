import { jest } from '@jest/globals';
import { deferred, until } from '@nestjs-sse-redis/testing';
import type { RegistryStore } from '../../src/broker/registry-store.interface.js';
import { NodeRegistration } from '../../src/registry/node-registration.js';
import { Sweeper } from '../../src/registry/sweeper.js';

const INTERVAL = 40;
const FAILURE = new Error('the connection was cut');
const NOTHING = { node: undefined, removed: 0, runs: [], more: false, locked: false };

describe('connections of dead processes', () => {
  let sweeps: number;
  const sweep = () => {
    sweeps++;
    return Promise.resolve(NOTHING);
  };

  beforeEach(() => (sweeps = 0));

  it('are removed also where renewals of the others fail now and then, time and again', async () => {
    const store = { sweep, removeRuns: () => Promise.resolve() };
    const sweeper = new Sweeper('n', store, INTERVAL);
    const renew = (renewal: Promise<unknown>) => sweeper.heed(renewal).catch(() => undefined);
    await until(
      async () => {
        await renew(Promise.reject(FAILURE));
        await renew(Promise.resolve());
        sweeper.plan(0);
        return sweeps > 0;
      },
      { interval: INTERVAL / 2 },
    );
    sweeper.stop();
  });

  it('are removed also where each renewal is answered late, time and again', async () => {
    const sweeper = new Sweeper('n', { sweep, removeRuns: () => Promise.resolve() }, INTERVAL);
    jest
      .spyOn(sweeper as unknown as { readonly comeback: number }, 'comeback', 'get')
      .mockReturnValue(INTERVAL / 2);
    await until(
      async () => {
        const answer = deferred();
        const renewed = sweeper.heed(answer.promise, 0);
        // Longer than those who come back have, and than a sweep needs.
        const sent = performance.now();
        await until(() => performance.now() - sent > INTERVAL);
        answer.resolve();
        await renewed;
        sweeper.plan(0);
        return sweeps > 0;
      },
      { interval: INTERVAL / 8 },
    );
    expect(sweeps).toBeGreaterThan(0);
    sweeper.stop();
  });

  it('are left where their leases run out while Redis has not answered a renewal yet', async () => {
    const sweeper = new Sweeper('n', { sweep, removeRuns: () => Promise.resolve() }, INTERVAL);
    const answer = deferred();
    const renewed = sweeper.heed(answer.promise);
    sweeper.plan(0);
    expect(sweeper['timer']).toBeDefined();
    await until(() => sweeper['timer'] === undefined);
    expect(sweeps).toBe(0);
    answer.resolve();
    await renewed;
    sweeper.stop();
  });

  it('are left to a later sweep where the lock was held as Redis answered the renewal no more', async () => {
    let isLocked = true;
    const locked = (): Promise<typeof NOTHING> => {
      sweeps++;
      return Promise.resolve({ ...NOTHING, locked: isLocked });
    };
    const sweeper = new Sweeper('n', { sweep: locked, removeRuns: () => Promise.resolve() }, INTERVAL);
    const again = jest.spyOn(sweeper as unknown as { sweepIfCertain(): void }, 'sweepIfCertain');
    await sweeper.sweep();
    const answer = deferred();
    const renewed = sweeper.heed(answer.promise);
    await until(() => again.mock.calls.length === 1);
    expect(sweeps).toBe(1);
    answer.resolve();
    await renewed;
    await sweeper.sweep();
    isLocked = false;
    await until(() => sweeps === 3);
    sweeper.stop();
  });

  it('are removed also by a process that has its lease, and cannot register its connections', async () => {
    const connection = { id: 'n.1', node: 'n', channels: [] };
    let isFull = false;
    const store = {
      renew: () => Promise.resolve({ isNew: isFull, connections: undefined, runsOut: 0 }),
      register: () => (isFull ? Promise.reject(new Error('OOM')) : Promise.resolve(['admitted'])),
      sweep,
      leave: () => Promise.resolve({ more: false }),
    } as unknown as RegistryStore;
    const options = {
      ...{ leaseTtl: 3 * INTERVAL, sweepInterval: INTERVAL, idle: 'normal' as const },
      ...{ connectionsPerUser: 0, connectionsPerAddress: 0 },
    };
    const node = { id: 'n', host: 'here', pid: 1 };
    const registration = new NodeRegistration(node, store, options, () => Promise.resolve());
    await registration.start();
    await registration.register(connection as never);
    isFull = true;
    const before = sweeps;
    let fulls = 0;
    await until(() => {
      registration.proveLink();
      return ++fulls > 3 && sweeps > before + 1;
    });
    await registration.stop();
  });
});
