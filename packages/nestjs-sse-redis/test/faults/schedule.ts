import { Random } from '@nestjs-sse-redis/testing';
import { FAULT_NAMES, type FaultName } from './faults.js';

/** What happens, when it begins. Everything in it comes from the seed. */
export type Step = { readonly at: number } & (
  | { readonly kind: 'publish'; readonly channels: readonly number[]; readonly bytes: number }
  | { readonly kind: 'drop'; readonly client: number }
  | { readonly kind: 'leave' | 'pause'; readonly client: number; readonly ms: number }
  | { readonly kind: 'join' }
  | { readonly kind: 'fault'; readonly fault: FaultName; readonly seed: number }
);

export interface Schedule {
  readonly seed: number;
  readonly channels: readonly string[];
  /** Each client's channels, by number. */
  readonly clients: readonly (readonly number[])[];
  readonly steps: readonly Step[];
}

const CHANNELS = 8;
const CLIENTS = 20;
const JOINING = 4;
/** Every schedule causes this many faults of those whose turn it is. */
const FAULTS_IN_TURN = 3;

/** The faults whose turn it is: consecutive seeds take all of them by turns, in an order that changes each round. */
function faultsOf(seed: number): FaultName[] {
  return Array.from({ length: FAULTS_IN_TURN }, (_, i) => {
    const turn = seed * FAULTS_IN_TURN + i;
    const round = Math.floor(turn / FAULT_NAMES.length);
    return new Random(round).shuffle(FAULT_NAMES)[turn % FAULT_NAMES.length]!;
  });
}

export function makeSchedule(seed: number, faults: readonly FaultName[] = faultsOf(seed)): Schedule {
  const random = new Random(seed * 7_919 + 1);
  const duration = 1_200 + random.int(1_200);
  const channels = Array.from({ length: CHANNELS }, (_, i) => `${seed}:${'abcdefgh'[i]}`);
  const numbers = channels.map((_, i) => i);
  const clients = Array.from({ length: CLIENTS + JOINING }, () =>
    random.shuffle(numbers).slice(0, 1 + random.int(CHANNELS - 1)),
  );
  const steps: Step[] = [];
  for (let at = 0; at < duration; at += random.int(40)) {
    // The last channel is a quiet one.
    const size = 1 + random.int(random.chance(0.1) ? 60 : 12);
    const chosen = Array.from({ length: size }, () =>
      random.int(random.chance(0.02) ? CHANNELS : CHANNELS - 1),
    );
    steps.push({ at, kind: 'publish', channels: chosen, bytes: random.chance(0.1) ? 2_000 : 0 });
  }
  for (let at = random.int(60); at < duration; at += random.int(120)) {
    const client = random.int(CLIENTS);
    const kind = random.pick(['drop', 'drop', 'leave', 'pause'] as const);
    steps.push(kind === 'drop' ? { at, kind, client } : { at, kind, client, ms: 50 + random.int(700) });
  }
  for (let i = 0; i < JOINING; i++) steps.push({ at: random.int(duration), kind: 'join' });
  for (const fault of faults) {
    steps.push({ at: 100 + random.int(duration - 300), kind: 'fault', fault, seed: random.int(2 ** 31) });
  }
  return { seed, channels, clients, steps: steps.sort((a, b) => a.at - b.at) };
}

export function initialClients({ clients }: Schedule): number {
  return clients.length - JOINING;
}
