import type { ClusterNode } from '../messages.js';
import type { PrivateCluster } from './private-cluster.js';

const LOOK_EVERY = 1_000;

/** Looks at the cluster again and again. A node may be killed from a terminal, and the cluster then helps itself. */
export class ClusterWatch {
  private last = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly cluster: PrivateCluster,
    private readonly changed: (nodes: ClusterNode[]) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.look(), LOOK_EVERY);
    void this.look();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async look(): Promise<void> {
    const nodes = await this.cluster.look();
    const now = JSON.stringify(nodes);
    if (!this.timer || now === this.last) return;
    this.last = now;
    this.changed(nodes);
  }
}
