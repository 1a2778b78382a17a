import type { ClientConnections } from '../clients/client-connections.js';
import type { Shard } from '../delivery/shards/shard.js';
import type { Shards } from '../delivery/shards/shards.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { HubState } from './hub-state.js';

/** Probes that may go unanswered before a node is no longer ready. */
const PROBES_MISSED = 3;

/** How often the link is proven at the moment. */
interface ProofPace {
  /** By how much the time between two proofs is longer than `probeInterval`. */
  readonly pace: number;
  /** Since when it is not; ms since the epoch. */
  readonly busySince: number;
}

export interface ReadinessSources {
  readonly state: HubState;
  readonly clients: ClientConnections;
  readonly shards: Shards;
  readonly registration: { readonly renewals: ProofPace };
  readonly options: Pick<ResolvedOptions, 'probeInterval'>;
}

/** Returns the reasons why new streams do not belong to this node. Asks Redis, and never rejects. */
export async function findProblems({
  state,
  clients,
  shards,
  registration: { renewals },
  options,
}: ReadinessSources): Promise<string[]> {
  if (!state.isStarted) return [state.isClosed ? 'closed' : 'not started'];
  const problems: string[] = [];
  if (clients.isDraining) problems.push('being shut down');
  const results = await Promise.all(
    shards.all.map((shard) => findLinkProblems(shard, options.probeInterval, renewals)),
  );
  // Shards of one Redis have the same.
  return [...new Set([...problems, ...results.flat()])];
}

async function findLinkProblems(
  { broker, feeds }: Pick<Shard, 'broker' | 'feeds'>,
  probeInterval: number,
  { pace, busySince }: ProofPace,
): Promise<string[]> {
  const problems: string[] = [];
  const { linkProblem } = broker;
  const reason = linkProblem === undefined ? '' : ` (${linkProblem})`;
  const provenAt = Math.max(feeds.upOrProvenAt, busySince);
  if (!feeds.link.up) problems.push(`the subscription in Redis is lost${reason}`);
  else if (Date.now() - provenAt > PROBES_MISSED * probeInterval * pace)
    problems.push(`what is published is not proven to arrive${reason}`);
  // A full Redis, or one that cannot write to its disk, answers, and no stream can be registered.
  await broker.checkWrites().catch((error: Error) => problems.push(error.message));
  return problems;
}
