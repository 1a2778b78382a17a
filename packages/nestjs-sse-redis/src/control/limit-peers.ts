import type { LimitPeers, LimitScope } from '../clients/limit-scope.js';
import { getNodeId } from './connection-command.js';
import type { NodeRpc } from './node-rpc.js';

/** ms for other processes to prove their connections alive, which takes them 3 s at most. */
const PROOF_TIMEOUT = 4_000;

/** Makes room for a newcomer by asking all processes. */
export class LimitPeersByRpc implements LimitPeers {
  constructor(private readonly rpc: NodeRpc) {}

  async prove(target: LimitScope): Promise<readonly string[]> {
    const { results } = await this.rpc.requestAll({ type: 'prove', target }, PROOF_TIMEOUT);
    return results.flatMap(({ gone }) => gone ?? []);
  }

  async replaceOldest(target: LimitScope): Promise<readonly string[]> {
    const { results } = await this.rpc.requestAll({ type: 'find-oldest', target });
    const [oldest] = results.flatMap((result) => result.oldest ?? []).toSorted((a, b) => a.since - b.since);
    if (!oldest) return [];
    // One that has left meanwhile has made room as well.
    await this.rpc.request(getNodeId(oldest.id), { type: 'replace', target: { connection: oldest.id } });
    return [oldest.id];
  }
}
