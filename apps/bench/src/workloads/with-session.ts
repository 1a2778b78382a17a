import type { Peer } from '../peers.js';
import type { Bench } from './bench.js';
import { Session, type SessionPlan } from './session.js';

/** Opens a session, verifies what was received, and closes it whatever happens. */
export async function withSession<T>(
  bench: Bench,
  peer: Peer,
  plan: SessionPlan,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await Session.open(bench, peer, plan);
  try {
    const result = await body(session);
    await session.verify();
    return result;
  } finally {
    await session.close();
  }
}
