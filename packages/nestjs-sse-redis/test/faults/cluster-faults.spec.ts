import { jest } from '@jest/globals';
import { hasShardedPubSub } from '@nestjs-sse-redis/testing';
import type { AppNode } from './app-node.js';
import { ClusterDeployment } from './cluster-deployment.js';
import { CLUSTER_FAULTS, ONE_MOVE, type ClusterFault } from './cluster-faults.js';
import { ClusterRun, type ClusterOutcome } from './cluster-run.js';
import { describeOutcomes } from './cluster-summary.js';

/** FAULT_RUNS=10 or FAULT_SECONDS=300 for the long run: each fault so often, or for its part of that time. */
const RUNS = Number(process.env['FAULT_RUNS'] ?? 1);
const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 0);
const names = Object.keys(CLUSTER_FAULTS) as (keyof typeof CLUSTER_FAULTS)[];

jest.setTimeout(180_000 + (SECONDS + RUNS * 30) * 1_000);

/** FAULT_SHARDS=3 for hubs of so many alone. */
const SHARDS = process.env['FAULT_SHARDS']?.split(',').map(Number) ?? [1, 3];

(hasShardedPubSub() ? describe : describe.skip).each(SHARDS)(
  'a cluster under load, with %i shards',
  (shards) => {
    let deployment: ClusterDeployment;
    const outcomes = new Map<string, ClusterOutcome[]>();
    const controls: AppNode[] = [];
    beforeAll(async () => {
      deployment = await ClusterDeployment.start(shards);
    });
    afterAll(async () => {
      await Promise.all(controls.map((node) => node.kill('SIGKILL')));
      await deployment?.stop();
    });

    async function startControl(twin: string): Promise<AppNode> {
      const node = deployment.createQuietNode(`the node with ${twin}`, twin);
      controls.push(node);
      await node.restart();
      return node;
    }

    async function run(
      name: keyof typeof CLUSTER_FAULTS,
      fault: ClusterFault = CLUSTER_FAULTS[name],
      control?: AppNode,
    ): Promise<ClusterOutcome> {
      const outcome = await new ClusterRun(deployment, fault, control).run();
      outcomes.set(name, [...(outcomes.get(name) ?? []), outcome]);
      expect(outcome.problems).toEqual([]);
      if (fault.mayLose) return outcome;
      // A client that came back with a position of the new owner to a process that was still at the old one (decision 021).
      const { gaps, unsureGaps } = outcome.counts;
      expect({ lost: outcome.acknowledgedAndLost, gaps: gaps - unsureGaps }).toEqual({ lost: 0, gaps: 0 });
      return outcome;
    }

    it.each(names)('delivers all that survives once and in order, behind %s', async (name) => {
      const began = performance.now();
      try {
        for (let i = 0; i < RUNS || performance.now() - began < (SECONDS * 1_000) / names.length; i++)
          await run(name);
      } finally {
        // At once: a long run may be ended before its end.
        const figures = describeOutcomes(new Map([[name, outcomes.get(name) ?? []]]));
        process.stdout.write(`${shards} shards, ${figures}\n`);
      }
      expect(outcomes.get(name)!.length).toBeGreaterThanOrEqual(RUNS);
    });

    if (shards > 1) return;

    it('hears of a moved slot from the subscription, and only from the watch without that (control)', async () => {
      const control = await startControl('no-moved.ts');
      const outcome = await run('slot migrations', ONE_MOVE, control);
      expect(deployment.quiet.log).toContain(ENDED);
      expect(control.log).not.toContain(ENDED);
      // Something else that it asks the old owner for may be refused before the watch looks.
      expect(control.log).toMatch(/Lost Redis .*(has the slot of the hub|MOVED)/);
      expect(outcome.control!.counts).toMatchObject({ lost: 0, doubled: 0, gaps: 0 });
      process.stdout.write(`without moved: latest ${outcome.control!.latest.toFixed(0)} ms\n`);
    });
  },
);

/** Words of the warning of a node whose subscriptions the cluster has ended. */
const ENDED = 'ended the subscriptions';
