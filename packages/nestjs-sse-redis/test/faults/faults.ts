import { until, type Random } from '@nestjs-sse-redis/testing';
import { setTimeout as pause } from 'node:timers/promises';
import { formatEventId, parseEventId, POSITIONS_PER_MS } from '../../src/event/position.js';
import type { DeployedNode, Deployment } from './deployment.js';
import { isFound } from './found-loss.js';
import { dropAnnouncement, loseReply, type DroppedAnnouncement } from './proxy-faults.js';
import type { Publisher } from './publisher.js';
import type { DataLoss } from './verdict.js';
import type { FaultClient } from './fault-client.js';

/** What a fault has at hand. */
export interface Scene {
  readonly deployment: Deployment;
  /** Of this fault alone: it makes the same choices in every run with the same seed. */
  readonly random: Random;
  readonly publisher: Publisher;
  readonly clients: readonly FaultClient[];
  readonly channels: readonly string[];
  readonly loss: DataLoss;
  /** Whether announcements were dropped that had been published. */
  announcementDropped: boolean;
}

/**
 * Causes a failure, and takes it away again. Resolves with what it did, for the reader of a failed schedule, or with
 * nothing if it did not come to it.
 */
export type Fault = (scene: Scene) => Promise<string | undefined>;

const between = (random: Random, from: number, to: number) => from + random.int(to - from);

/** A node that runs, if the choice falls on one. */
function pickNode({ deployment, random }: Scene): DeployedNode {
  const chosen = random.pick(deployment.nodes);
  return chosen.isUp ? chosen : (deployment.living[0] ?? chosen);
}

const killConnections =
  (...types: ('pubsub' | 'normal')[]): Fault =>
  async ({ deployment }) => {
    const killed = await Promise.all(types.map((type) => deployment.admin('CLIENT', 'KILL', 'TYPE', type)));
    return `${killed.join(' and ')} connections`;
  };

const pauseClients =
  (mode: 'ALL' | 'WRITE'): Fault =>
  async ({ deployment, random }) => {
    const ms = between(random, 300, 800);
    await deployment.admin('CLIENT', 'PAUSE', ms, mode);
    return `${ms} ms`;
  };

/** A node's connections to Redis break, and it is refused new ones for a while. */
const cutNode: Fault = async (scene) => {
  const node = pickNode(scene);
  const ms = between(scene.random, 50, 500);
  await node.proxy.refuse(true);
  node.proxy.cut();
  await pause(ms);
  await node.proxy.refuse(false);
  return `${node.name}, ${ms} ms`;
};

/** The connections of a node stay open, and what is sent on them vanishes; new ones get through. */
const halfOpen: Fault = async (scene) => {
  const node = pickNode(scene);
  const ms = between(scene.random, 500, 1_500);
  node.proxy.blackhole('existing');
  await pause(ms);
  node.proxy.blackhole(false);
  return `${node.name}, ${ms} ms`;
};

/** Its commands are answered, and it hears nothing. */
const deafSubscriber: Fault = async (scene) => {
  const node = pickNode(scene);
  const ms = between(scene.random, 600, 1_200);
  const deaf = node.subscribers;
  for (const connection of deaf) connection.blackhole(true);
  await pause(ms);
  for (const connection of deaf) connection.blackhole(false);
  return `${node.name}, ${deaf.length} connections`;
};

const stopRedis: Fault = async ({ deployment, random }) => {
  const ms = between(random, 300, 1_500);
  deployment.redis.pause();
  await pause(ms);
  deployment.redis.resume();
  return `${ms} ms`;
};

const restartRedis: Fault = async ({ deployment }) => {
  await deployment.redis.restart();
  return 'with its data';
};

const crashRedis: Fault = async ({ deployment, random }) => {
  const ms = between(random, 0, 500);
  await deployment.redis.kill();
  await pause(ms);
  await deployment.redis.restart();
  return `away for ${ms} ms`;
};

/** Runs what empties Redis. Where the clock was set ahead, time must have caught up, or ids would be given out again. */
async function empty({ deployment, loss }: Scene, how: () => Promise<unknown>): Promise<string> {
  await until(async () => Number(await readClock(deployment)) < Date.now() * POSITIONS_PER_MS);
  const before = Date.now() * POSITIONS_PER_MS;
  loss.emptied.push(before);
  await how();
  return `at ${formatEventId(before)}`;
}

const restartEmpty: Fault = (scene) => empty(scene, () => scene.deployment.redis.restart({ empty: true }));
const flushAll: Fault = (scene) => empty(scene, () => scene.deployment.admin('FLUSHALL'));

const flushScripts: Fault = async ({ deployment }) => {
  await deployment.admin('SCRIPT', 'FLUSH');
  return '';
};

/** As if the clock of the machine had been set back: ids were given out that lie in the future. */
const clockSetBack: Fault = async ({ deployment, random }) => {
  const ahead = (Date.now() + between(random, 500, 2_000)) * POSITIONS_PER_MS;
  if (Number(await readClock(deployment)) >= ahead) return undefined;
  await deployment.admin('HSET', CLOCK, 'last', ahead);
  return `behind ${formatEventId(ahead)}`;
};

/** Subscribers cannot take what is published as fast as it comes, and Redis gives them up. */
const outputBuffer: Fault = async ({ deployment, random, publisher, channels }) => {
  await deployment.admin('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 32kb 16kb 1');
  const burst = Array.from({ length: 24 }, () => ({ channel: random.pick(channels), bytes: 8_192 }));
  await publisher.publish(burst);
  await deployment.admin('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 33554432 8388608 60');
  return '24 events of 8 KB';
};

const outOfMemory: Fault = async ({ deployment, random }) => {
  const ms = between(random, 200, 600);
  const info = String(await deployment.admin('INFO', 'memory'));
  const used = Number(/used_memory:(\d+)/.exec(info)![1]);
  await deployment.admin('CONFIG', 'SET', 'maxmemory', used + between(random, -50_000, 20_000));
  await pause(ms);
  await deployment.admin('CONFIG', 'SET', 'maxmemory', 0);
  return `${ms} ms`;
};

const readOnly: Fault = async ({ deployment, random }) => {
  const ms = between(random, 200, 600);
  // A master that does not exist: the data stay as they are.
  await deployment.admin('REPLICAOF', '127.0.0.1', 9);
  await pause(ms);
  await deployment.admin('REPLICAOF', 'NO', 'ONE');
  return `${ms} ms`;
};

const slowRedis: Fault = async (scene) => {
  const node = pickNode(scene);
  const delay = between(scene.random, 20, 100);
  node.proxy.delay(delay);
  await pause(between(scene.random, 500, 1_000));
  node.proxy.delay(0);
  return `${node.name}, ${delay} ms each way`;
};

/** The process of a node ends, and another takes its place. */
const endNode =
  (signal: 'SIGKILL' | 'SIGTERM'): Fault =>
  async (scene) => {
    const node = pickNode(scene);
    await until(() => scene.deployment.living.length > 1, { timeout: 30_000 });
    await node.kill(signal);
    await node.restart();
    return node.name;
  };

const blockNode: Fault = async (scene) => {
  const node = pickNode(scene);
  const ms = between(scene.random, 800, 2_000);
  // It may be killed meanwhile.
  await node.request({ kind: 'block', ms }).catch(() => undefined);
  return `${node.name}, ${ms} ms`;
};

/** As long as a node on a busy machine may take to find what it has lost. */
const FOUND_WITHIN_MS = 3_000;

/** What was dropped is known to the ledger, and whether the node found it: a process that dies before tells nobody. */
async function noteDropped(
  { deployment, loss }: Scene,
  {
    node,
    starts,
    channel,
    dropped,
  }: { node: DeployedNode; starts: number; channel: string; dropped: DroppedAnnouncement },
): Promise<void> {
  const position = dropped.position!;
  loss.unannounced.push({ channel, position });
  const found = () => isFound(deployment, channel, position);
  const isOver = async () => (await found()) || !node.isUp || node.starts !== starts;
  await until(isOver, { timeout: FOUND_WITHIN_MS, interval: 50 }).catch(() => undefined);
  if (node.isUp && node.starts === starts) return;
  // One that is shut down looks once more before it ends.
  await node.ending;
  if (!(await found())) loss.unfound.add(position);
}

const droppedAnnouncement: Fault = async (scene) => {
  const { random, deployment, channels, publisher } = scene;
  for (const channel of random.shuffle(channels)) {
    const node = random.pick(deployment.nodes);
    const { starts } = node;
    const dropped = dropAnnouncement(node.proxy, channel);
    // The first is dropped, unless nobody there listens; the second tells of it.
    for (let i = 0; i < 2; i++) await publisher.publish([{ channel }]);
    if (!dropped.stop()) continue;
    scene.announcementDropped = true;
    await noteDropped(scene, { node, starts, channel, dropped });
    return `${node.name}, ${channel}`;
  }
  return undefined;
};

/** The announcement that is dropped is the last of its channel, a quiet one: nothing follows that could tell of it. */
const silentlyDropped: Fault = async (scene) => {
  const { random, deployment, channels, publisher } = scene;
  const channel = channels.at(-1)!;
  for (const node of random.shuffle(deployment.nodes)) {
    const { starts } = node;
    const dropped = dropAnnouncement(node.proxy, channel);
    await publisher.publish([{ channel }]);
    // It comes over another connection than the answer. Where nobody listens, none comes.
    await until(() => dropped.position !== undefined, { timeout: 500 }).catch(() => undefined);
    if (!dropped.stop()) continue;
    scene.announcementDropped = true;
    await noteDropped(scene, { node, starts, channel, dropped });
    return `${node.name}, ${channel}`;
  }
  return undefined;
};

const lostReply: Fault = async (scene) => {
  const { random, publisher, channels } = scene;
  const node = pickNode(scene);
  const lost = loseReply(node.proxy);
  for (let i = 0; i < 20 && !lost.happened; i++)
    await publisher.publish([{ channel: random.pick(channels) }]);
  lost.stop();
  return lost.happened ? node.name : undefined;
};

/** Logs lose their oldest events, as by `history.maxLength`, while some clients are away. */
const trim: Fault = async ({ deployment, random, clients, channels, loss }) => {
  const away = random.shuffle(clients).slice(0, 5);
  for (const client of away) client.leave();
  await pause(between(random, 300, 600));
  for (const channel of random.shuffle(channels).slice(0, 4)) {
    const kept = (await deployment.admin('XREVRANGE', getLog(channel), '+', '-', 'COUNT', 4)) as [string][];
    if (kept.length < 4) continue;
    // The newest that goes is the one before the three that stay.
    loss.trimmed.set(channel, parseEventId(kept[3]![0])!);
    await deployment.admin('XTRIM', getLog(channel), 'MINID', kept[2]![0]);
  }
  for (const client of away) client.comeBack();
  if (loss.trimmed.size === 0) return undefined;
  return `${[...loss.trimmed.keys()].join(', ')} while ${away.map(({ name }) => name).join(', ')} were away`;
};

/** Clients read nothing while more is published than the system buffers for them. */
const stuckClients: Fault = async ({ random, clients, channels, publisher }) => {
  const channel = random.pick(channels);
  const stuck = random.shuffle(clients.filter((client) => client.channels.includes(channel))).slice(0, 4);
  const resume = stuck.map((client) => client.pause());
  for (let i = 0; i < 10; i++) {
    await publisher.publish(Array.from({ length: 20 }, () => ({ channel, bytes: 20_000 })));
  }
  for (const one of resume) one();
  return `${stuck.map(({ name }) => name).join(', ')} on ${channel}`;
};

/** Every failure by its name. Those `on` the same thing are not caused at the same time. */
export const FAULTS = {
  'subscribers killed': { on: 'redis', inject: killConnections('pubsub') },
  'commands killed': { on: 'redis', inject: killConnections('normal') },
  'both killed': { on: 'redis', inject: killConnections('pubsub', 'normal') },
  'node cut': { on: 'link', inject: cutNode },
  'half-open': { on: 'link', inject: halfOpen },
  'deaf subscriber': { on: 'link', inject: deafSubscriber },
  'all paused': { on: 'redis', inject: pauseClients('ALL') },
  'writes paused': { on: 'redis', inject: pauseClients('WRITE') },
  'Redis stopped': { on: 'redis', inject: stopRedis },
  'Redis restarted': { on: 'redis', inject: restartRedis },
  'Redis crashed': { on: 'redis', inject: crashRedis },
  'Redis restarted empty': { on: 'redis', inject: restartEmpty },
  FLUSHALL: { on: 'redis', inject: flushAll },
  'SCRIPT FLUSH': { on: 'redis', inject: flushScripts },
  'clock set back': { on: 'redis', inject: clockSetBack },
  'output buffer': { on: 'redis', inject: outputBuffer },
  'out of memory': { on: 'redis', inject: outOfMemory },
  'read-only': { on: 'redis', inject: readOnly },
  'slow Redis': { on: 'link', inject: slowRedis },
  SIGKILL: { on: 'process', inject: endNode('SIGKILL') },
  SIGTERM: { on: 'process', inject: endNode('SIGTERM') },
  'event loop blocked': { on: 'process', inject: blockNode },
  'announcement dropped': { on: 'link', inject: droppedAnnouncement },
  'silently dropped': { on: 'link', inject: silentlyDropped },
  'reply lost': { on: 'link', inject: lostReply },
  trimmed: { on: 'redis', inject: trim },
  'stuck clients': { on: 'clients', inject: stuckClients },
} satisfies Record<string, { on: 'redis' | 'link' | 'process' | 'clients'; inject: Fault }>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** Keys of a hub with the default prefix. */
const CLOCK = '{sse}:clock';
const getLog = (channel: string) => `{sse}:log:${channel}`;
const readClock = (deployment: Deployment) => deployment.admin('HGET', CLOCK, 'last');
