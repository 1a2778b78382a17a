import type { Broker } from '../broker/broker.interface.js';
import type { ClientConnections } from '../clients/client-connections.js';
import type { Feeds } from '../delivery/feeds.js';
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
  readonly broker: Broker;
  readonly clients: ClientConnections;
  readonly feeds: Feeds;
  readonly registration: { readonly renewals: ProofPace };
  readonly options: Pick<ResolvedOptions, 'probeInterval'>;
}

/** Returns the reasons why new streams do not belong to this node. Asks Redis, and never rejects. */
export async function findProblems({
  state,
  broker,
  clients,
  feeds,
  registration: { renewals },
  options,
}: ReadinessSources): Promise<string[]> {
  if (!state.isStarted) return [state.isClosed ? 'closed' : 'not started'];
  const problems: string[] = [];
  if (clients.isDraining) problems.push('being shut down');
  const { linkProblem } = broker;
  const provenAt = Math.max(feeds.upOrProvenAt, renewals.busySince);
  if (!feeds.link.up)
    problems.push(`the subscription in Redis is lost${linkProblem ? ` (${linkProblem})` : ''}`);
  else if (Date.now() - provenAt > PROBES_MISSED * options.probeInterval * renewals.pace)
    problems.push('what is published is not proven to arrive');
  await broker.position().catch((error: Error) => problems.push(error.message));
  return problems;
}
