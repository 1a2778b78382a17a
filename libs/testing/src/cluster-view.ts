import { setTimeout as wait } from 'node:timers/promises';
import type { RedisServer } from './redis-server.js';
import { until } from './until.js';

/** A line of CLUSTER NODES. */
export interface ClusterNode {
  id: string;
  isMaster: boolean;
  /** Whether this is the node that was asked. */
  isMyself: boolean;
  /** Of a replica: the id of its master. */
  masterId: string | undefined;
  /** First and last of each range. A replica has none. */
  slots: [number, number][];
}

/** The cluster as one of its nodes sees it. */
export interface ClusterView {
  server: RedisServer;
  nodes: ClusterNode[];
}

/** Whether it answers; a process that something else than `pause()` has stopped counts as one that does. */
export function isAlive({ isRunning, isPaused }: RedisServer): boolean {
  return isRunning && !isPaused;
}

/** Undefined where the node is killed or paused meanwhile. A slow answer is waited for, however busy the machine. */
export async function look(server: RedisServer): Promise<ClusterView | undefined> {
  const answer = server.cli('CLUSTER', 'NODES').then(
    (text) => ({ server, nodes: parseClusterNodes(text as string) }),
    () => 'failed' as const,
  );
  while (isAlive(server)) {
    const view = await Promise.race([answer, wait(50, undefined, { ref: false })]);
    if (view) return view === 'failed' ? undefined : view;
  }
  return undefined;
}

/** @see https://redis.io/docs/latest/commands/cluster-nodes/ */
function parseClusterNodes(text: string): ClusterNode[] {
  return text.trim().split('\n').map(parseLine);
}

function parseLine(line: string): ClusterNode {
  const [id, , flagText, master, , , , , ...slotTexts] = line.split(' ') as [
    string,
    string,
    string,
    string,
    ...string[],
  ];
  const flags = flagText.split(',');
  return {
    id,
    isMaster: flags.includes('master'),
    isMyself: flags.includes('myself'),
    masterId: master === '-' ? undefined : master,
    slots: slotTexts.filter((slots) => /^\d/.test(slots)).map(toRange), // A slot on the move is in brackets.
  };
}

function toRange(text: string): [number, number] {
  const [first, last = first] = text.split('-').map(Number) as [number, number?];
  return [first, last];
}

/** The id of the node that has the slot. */
export function findSlotOwner(nodes: ClusterNode[], slot: number): string | undefined {
  return nodes.find(({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last))?.id;
}

/** Resolves when the cluster is ready, as a node sees it. */
export async function isReady(node: RedisServer): Promise<void> {
  await until(async () => String(await node.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    message: `the cluster is ready, as the node on port ${node.port} sees it`,
    timeout: 60_000,
  });
}
