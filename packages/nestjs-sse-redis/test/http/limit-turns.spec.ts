import { jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Admission, type AdmissionOptions } from '../../src/clients/admission.js';
import { LimitTurns } from '../../src/clients/limit-turns.js';
import { Proofs } from '../../src/clients/proofs.js';
import { TooManyConnectionsError } from '../../src/errors/too-many-connections.error.js';
import type { Registrar } from '../../src/clients/registrar.js';

const NEWCOMERS = 20;
const OPTIONS: AdmissionOptions = { connections: Infinity, onLimit: 'replace-oldest' };
const PROOFS = new Proofs(() => Promise.resolve([]));
const LOAD = { size: 0, isDraining: false };

afterEach(() => jest.restoreAllMocks());

/** A deployment in which a user may have one connection. */
class OnePlace {
  searches = 0;
  private taken = 'first';
  private readonly admission = new Admission(LOAD, this.createRegistrar(), OPTIONS, PROOFS, () =>
    this.replace(),
  );

  /** @param openedAfter searches after which the connection that has the place is open, and can be replaced */
  constructor(private readonly openedAfter = 0) {}

  connect(id: string, isClosed = () => false): Promise<void> {
    const connection = { id, node: 'node', user: 'anna', channels: ['news'] } as const;
    return this.admission.register(
      { ...connection, address: undefined, userAgent: undefined, metadata: undefined },
      isClosed,
    );
  }

  private async replace(): Promise<string[]> {
    if (++this.searches <= this.openedAfter) return [];
    const oldest = this.taken;
    // All that ask at the same moment find the same one.
    await nextTurn();
    if (this.taken === oldest) this.taken = '';
    return oldest === '' ? [] : [oldest];
  }

  private createRegistrar(): Registrar {
    return {
      register: ({ id }: { id: string }) => {
        if (this.taken !== '') return Promise.resolve('user-limit');
        this.taken = id;
        return Promise.resolve('admitted');
      },
      has: (id: string) => Promise.resolve(this.taken === id),
    } as unknown as Registrar;
  }
}

async function searchesOfNewcomers(): Promise<number> {
  const place = new OnePlace();
  await Promise.all(Array.from({ length: NEWCOMERS }, (_, i) => place.connect(`newcomer ${i}`)));
  return place.searches;
}

describe('newcomers of a user who come at once', () => {
  it('search all processes once each, and all are let in', async () => {
    expect(await searchesOfNewcomers()).toBe(NEWCOMERS);
  });

  it('search several times each where they do not wait for one another (negative control)', async () => {
    jest.spyOn(LimitTurns.prototype, 'take').mockImplementation((_, task) => task({ fruitless: 0 }));
    expect(await searchesOfNewcomers()).toBeGreaterThan(2 * NEWCOMERS);
  });

  it('wait for one that was just let in, and is still being opened', async () => {
    const place = new OnePlace(2);
    await place.connect('newcomer');
    expect(place.searches).toBe(3);
  });

  it('are refused where they do not wait for it (negative control)', async () => {
    // As if they had searched for long.
    jest.spyOn(LimitTurns.prototype, 'take').mockImplementation((_, task) => task({ fruitless: 49 }));
    await expect(new OnePlace(2).connect('newcomer')).rejects.toBeInstanceOf(TooManyConnectionsError);
  });

  it('are refused where all that have places are of a process that is gone, each as soon as the first', async () => {
    const place = new OnePlace(Infinity);
    // As if the first had searched for long.
    const line = { fruitless: 40 };
    jest.spyOn(LimitTurns.prototype, 'take').mockImplementation((_, task) => task(line));
    const refusals = await Promise.allSettled([place.connect('one'), place.connect('two')]);
    expect(refusals.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(place.searches).toBeLessThanOrEqual(11);
  });

  it('are passed over where they have left before their turn', async () => {
    const place = new OnePlace();
    let isClosed = false;
    const connecting = ['one', 'two', 'three'].map((id) => place.connect(id, () => id === 'two' && isClosed));
    isClosed = true;
    await Promise.all(connecting);
    expect(place.searches).toBe(2);
  });
});
