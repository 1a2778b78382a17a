// What each client should have, held against what it has.
import { Audit } from './audit.mjs';
import { JOINED } from './client.mjs';

/** @returns what is wrong */
export function verdict(client, world) {
  const bad = [...client.errors];
  if (!client.done && client.connection.state !== 'live') bad.push('never live again');
  const seen = new Set();
  // Without the ephemeral ones, which are promised to nobody.
  for (const g of client.got.filter((g) => g.n >= 0)) {
    if (seen.has(g.n)) bad.push(`doubled ${g.ch}${g.id}`);
    seen.add(g.n);
    if (!client.channels.includes(g.ch) && g.ch !== JOINED) bad.push(`foreign ${g.ch}${g.id}`);
  }
  for (const p of world.published) {
    if (seen.has(p.n) || !isOwed(p, client, world) || isTold(p, client, world)) continue;
    if (isBeyondTelling(p, client, world)) world.events.gone++;
    // Nobody can tell any more that its announcement was lost.
    else if (world.nodes.some(({ audit }) => audit.isPardoned(p, client))) world.events.pardoned++;
    else if (isGone(p, client, world)) world.events.gone++;
    else bad.push(`lost ${p.ch}${p.id} untold`);
  }
  for (const gap of client.gaps)
    if (!hasCause(gap, client, world)) bad.push(`gap without cause: ${gap.cause}`);
  return bad;
}

/**
 * A failover lost it, or the end of the stream, and the client had closed before it was known. Or what was known of the
 * fork was lost with all data, before each client had gone back behind it.
 */
function isBeyondTelling({ n, id }, { done, got }, { redis, events }) {
  const isLost = (one) => redis.lostByRedis.has(one);
  return (
    (done && (isLost(n) || isLost(got.at(-1).n))) ||
    (events.flush > 0 && events.promoted + events.failover > 0 && id < redis.since)
  );
}

/** Its stream had ended, and it was closed for good, before any node could tell that the announcement was lost. */
function isGone(p, { done, visited, got }, { nodes }) {
  if (!done || !nodes.some((node) => visited.has(node) && node.lost.some(({ n }) => n === p.n))) return false;
  const names = ({ ch, after, upTo }) => ch === p.ch && after < p.id && p.id <= upTo;
  return !nodes.some(({ audit }) => audit.notices.some((it) => names(it) && it.until <= got.at(-1).id));
}

/** What a schedule covers. `needless`: a loss was told to a client that had all the same got the events. */
export function count({ clients, events, published }) {
  const sum = (of) => clients.reduce((n, c) => n + of(c), 0);
  const told = (cause) => sum((c) => c.gaps.filter((gap) => gap.cause === cause).length);
  const isNeedless = ({ ch, from, to, cause }, { got }) =>
    cause === 'lost' &&
    published.every((p) => p.ch !== ch || p.id <= from || p.id > to || got.some((g) => g.n === p.n));
  return {
    deliveries: sum((c) => c.got.length),
    late: sum((c) => c.late),
    lateReturns: sum((c) => c.lateReturns),
    retentionTold: told('retention'),
    aheadTold: told('ahead'),
    doubtTold: told('unconfirmed'),
    lossTold: told('lost'),
    failoverTold: told('failover'),
    needless: sum((c) => c.gaps.filter((gap) => isNeedless(gap, c)).length),
    ...events,
  };
}

function isOwed(p, client, { published, redis }) {
  if (!client.channels.includes(p.ch) || p.n < client.startedAt || p.n < (client.owed.get(p.ch) ?? 0))
    return false;
  // What was published after its stream had ended; but a run that had begun before it came belongs to it.
  if (client.done && p.n >= client.openedAt && p.n > client.got.at(-1).n) return false;
  // An end counts only as long as it is the newest.
  // The clocks of two servers differ: what the old one took is owed by its position.
  const joined = p.ch === JOINED && client.owed.has(JOINED) ? client.joinedAt : 0;
  if (redis.lostByRedis.has(p.n) && p.id <= Math.max(client.beganAt, joined)) return false;
  return !(p.isEnd && published.some(({ ch, n }) => ch === p.ch && n > p.n));
}

/**
 * In the right place: after what was delivered of the channel before it, not after what was delivered later.
 * That something was lost may be found later than that; then it is told where it was. And of an id that is none nothing
 * is known: all before it may be missing.
 */
function isTold(p, { got, gaps }, { events }) {
  const before = got.findLastIndex((g) => g.n >= 0 && g.ch === p.ch && g.n < p.n);
  let after = got.findIndex((g) => g.ch === p.ch && g.n > p.n);
  if (after < 0) after = Infinity;
  return gaps.some(({ ch, at, from, to, cause }) => {
    if (ch !== p.ch || from >= p.id) return false;
    if (cause === 'failover' || cause === 'lost') return p.id <= to;
    // Behind a fork an id says nothing of when an event was published.
    if (events.promoted + events.failover > 0) return cause === 'ahead' || !(p.id > to);
    return cause === 'ahead' ? p.id <= to : at > before && at <= after;
  });
}

function hasCause(
  { ch, from, to, cause, own, ...notice },
  client,
  { loss, events, published, nodes, redis },
) {
  // Who goes back to a fork may find that the history went on.
  const isRetention = loss || redis.hasForgotten || events.expired + events.trimmed + events.promoted > 0;
  switch (cause) {
    case 'ahead':
      return loss || client.isFromElsewhere === true;
    case 'failover':
      return events.promoted + events.failover > 0;
    case 'lost':
      return Audit.isTrue({ ch, after: from, ...notice }, nodes);
    case 'own-trimmed':
      return isRetention && published.find(({ id }) => id === own)?.ch === ch;
    case 'unconfirmed':
      return loss || nodes.some(({ lost }) => lost.some((m) => m.ch === ch && m.id > from && m.id <= to));
    default:
      return isRetention;
  }
}
