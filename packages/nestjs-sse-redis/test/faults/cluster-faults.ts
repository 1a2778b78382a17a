import { until, type RedisServer } from '@nestjs-sse-redis/testing';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterDeployment } from './cluster-deployment.js';

export interface ClusterFault {
  /** Whether events that were acknowledged may be lost. */
  readonly mayLose: boolean;
  /** Whether a replica becomes a master. */
  readonly elects: boolean;
  /** Causes it, and takes it away again. */
  inject(deployment: ClusterDeployment): Promise<void>;
}

/** Slots that go with that of the hub: many, and few enough to be quick. */
const SLOTS_BESIDE = 60;
const MOVES = 3;
/** How long a new master takes what is published before the old one is back. */
const TAKEN_MS = 300;

/**
 * redis-cli moves the lowest slots of a node. So the hub goes to the node where few are lower, and from there with others to
 * the node that has the fewest. A master whose last slot goes becomes a replica: one is left.
 */
async function reshard({ cluster, target }: ClusterDeployment): Promise<void> {
  const slot = await cluster.slotOf(target);
  const masters = await Promise.all(
    (await cluster.masters()).map(async (master) => {
      const slots = await cluster.slotsOf(master);
      return { master, count: slots.length, lower: slots.filter((other) => other < slot).length };
    }),
  );
  const [from, ...others] = masters
    .toSorted((a, b) => a.lower - b.lower)
    .toSorted((a, b) => Number(b.count > b.lower + 1) - Number(a.count > a.lower + 1));
  const to = others.reduce((one, other) => (one.count <= other.count ? one : other));
  if ((await cluster.owner(target)) !== from!.master) await cluster.migrate(target, { to: from!.master });
  const slots = Math.min(from!.lower + 1 + SLOTS_BESIDE, from!.count - 1);
  await cluster.reshard({ from: from!.master, to: to.master, slots });
}

/** The master goes, and comes back when its successor has taken what was published meanwhile. */
async function replace(
  { cluster, target }: ClusterDeployment,
  away: (old: RedisServer) => unknown,
  back: (old: RedisServer) => unknown,
): Promise<void> {
  const old = await cluster.findVictim(target);
  const forksAt = (server: RedisServer) => server.cli('HGET', `${target}:clock`, 'forks');
  // Of the old one: its successor may have begun a line before anybody asks.
  const before = await forksAt(old);
  await away(old);
  let next: RedisServer;
  try {
    next = await cluster.elected(target, old);
    await until(() => forksAt(next).then((forks) => forks !== before));
    await pause(TAKEN_MS);
  } finally {
    await back(old);
  }
  await cluster.agreed([await cluster.slotOf(target)], next);
}

/** All other nodes hang, so that the owner is in the minority. */
async function isolate({ cluster, target }: ClusterDeployment): Promise<void> {
  const owner = await cluster.owner(target);
  const others = cluster.nodes.filter((node) => node !== owner);
  for (const node of others) node.pause();
  await until(async () => String(await owner.cli('CLUSTER', 'INFO')).includes('cluster_state:fail'));
  for (const node of others) node.resume();
}

/** Of one slot, once. Back where it was, it would look to the watch as if it had never moved. */
export const ONE_MOVE: ClusterFault = {
  mayLose: false,
  elects: false,
  inject: ({ cluster, target }) => cluster.migrate(target).then(() => undefined),
};

/** Every failure of a cluster by its name. */
export const CLUSTER_FAULTS = {
  'slot migrations': {
    mayLose: false,
    elects: false,
    inject: async ({ cluster, target }) => {
      for (let i = 0; i < MOVES; i++) await cluster.migrate(target);
    },
  },
  'redis-cli reshard': { mayLose: false, elects: false, inject: reshard },
  'CLUSTER FAILOVER': {
    mayLose: false,
    elects: true,
    inject: ({ cluster, target }) => cluster.failover(target).then(() => undefined),
  },
  'CLUSTER FAILOVER FORCE': {
    mayLose: true,
    elects: true,
    inject: ({ cluster, target }) => cluster.failover(target, 'FORCE').then(() => undefined),
  },
  'CLUSTER FAILOVER TAKEOVER': {
    mayLose: true,
    elects: true,
    inject: ({ cluster, target }) => cluster.failover(target, 'TAKEOVER').then(() => undefined),
  },
  'kill -9 of the owner': {
    mayLose: true,
    elects: true,
    inject: (deployment) =>
      replace(
        deployment,
        (old) => old.kill(),
        (old) => old.restart(),
      ),
  },
  'SIGSTOP of the owner, which wakes': {
    mayLose: true,
    elects: true,
    inject: (deployment) =>
      replace(
        deployment,
        (old) => old.pause(),
        (old) => old.resume(),
      ),
  },
  'a minority partition': { mayLose: true, elects: true, inject: isolate },
} satisfies Record<string, ClusterFault>;
