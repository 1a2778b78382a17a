import type { Peer } from '../peers.js';
import type { Bench } from './bench.js';
import { Session, type SessionPlan, type Window } from './session.js';
import type { Figure, Report, Task } from './task.js';

/**
 * Peer after peer: where one has the machine to itself for a second or two at a stretch, where what is compared is within one process, and
 * for memory, of which a process that waits gives some back.
 */
export function oneByOne(plan: SessionPlan, measure: (session: Session) => Promise<Figure[]>): Task['run'] {
  return async (bench, peers, report) => {
    for (const peer of peers) {
      await withSessions(bench, [peer], plan, async (sessions) => {
        for (const counters of (await each(sessions, measure)).values()) report(peer, counters);
      });
    }
  };
}

/** All peers at the same time, so that they can be measured in turns: where what a delivery costs differs more from one moment to the next than between peers. */
export function sideBySide(
  plan: SessionPlan,
  measure: (sessions: readonly Session[], report: Report) => Promise<void>,
): Task['run'] {
  return (bench, peers, report) => withSessions(bench, peers, plan, (sessions) => measure(sessions, report));
}

/** Opens a session of each of the peers, verifies what was received, and closes them whatever happens. */
async function withSessions(
  bench: Bench,
  peers: readonly Peer[],
  plan: SessionPlan,
  body: (sessions: readonly Session[]) => Promise<void>,
): Promise<void> {
  const sessions = await Promise.all(peers.map((peer) => Session.open(bench, peer, plan)));
  try {
    await body(sessions);
    await each(sessions, (session) => session.verify());
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** Lets all do something at the same time: what is not measured. */
export async function together(
  sessions: readonly Session[],
  body: (session: Session) => Promise<void>,
): Promise<void> {
  await Promise.all(sessions.map((session) => of(session, body)));
}

/** Lets each do something, one after the other. */
export async function each<T>(
  sessions: readonly Session[],
  body: (session: Session) => Promise<T>,
): Promise<Map<Session, T>> {
  const results = new Map<Session, T>();
  for (const session of sessions) results.set(session, await of(session, body));
  return results;
}

/** What is not measured of a turn: another's has emptied the processor's caches, and in the first ones V8 still compiles. */
export interface Approach {
  /** Before the first turn, so many more. */
  readonly turns: number;
  /** At the beginning of each. */
  readonly each: (session: Session) => Promise<void>;
}

/**
 * Measures each for a short while, and again, always in the same order: what disturbs the machine for some seconds disturbs
 * all of them, and none has a turn after its own, for which the processor's caches would still hold it (a fifth cheaper).
 * Gives of each the sum of its turns, without the dearest and the cheapest of four or more: not the median, since what a
 * server does only now and then is a part of what it costs.
 */
export async function inTurns(
  sessions: readonly Session[],
  turns: number,
  body: (session: Session) => Promise<void>,
  approach: Approach = { turns: 0, each: async () => undefined },
): Promise<Map<Session, Window>> {
  for (let turn = 0; turn < approach.turns; turn++) await each(sessions, body);
  const windows = new Map<Session, Window[]>(sessions.map((session) => [session, []]));
  const takeTurn = async (session: Session): Promise<void> => {
    await approach.each(session);
    windows.get(session)?.push(await session.measure(() => body(session)));
  };
  for (let turn = 0; turn < turns; turn++) {
    await each(sessions, takeTurn);
  }
  return new Map([...windows].map(([session, all]) => [session, sumOf(withoutExtremes(all))]));
}

function withoutExtremes(windows: readonly Window[]): Window[] {
  const byCost = [...windows].sort((a, b) => a.cpu / a.deliveries - b.cpu / b.deliveries);
  return byCost.length < 4 ? byCost : byCost.slice(1, -1);
}

function sumOf(windows: readonly Window[]): Window {
  const sum = (field: keyof Window): number => windows.reduce((total, window) => total + window[field], 0);
  return {
    cpu: sum('cpu'),
    redisCpu: sum('redisCpu'),
    seconds: sum('seconds'),
    deliveries: sum('deliveries'),
  };
}

/** So that a failure says whose it is. */
async function of<T>(session: Session, body: (session: Session) => Promise<T>): Promise<T> {
  try {
    return await body(session);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${session.peer.label}: ${reason}`, { cause });
  }
}
