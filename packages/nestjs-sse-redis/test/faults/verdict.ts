import { compare, ownIdOf, type SseBlock, type SseMessage } from '@nestjs-sse-redis/testing';
import type { Fork } from '../../src/broker/broker.interface.js';
import { parseEventId, parseLine } from '../../src/event/position.js';
import type { Payload, PublishedEvent } from './publisher.js';

/** What happened to the data in Redis: the only causes that a gap may have. */
export class DataLoss {
  /** When everything was gone, as positions. */
  readonly emptied: number[] = [];
  /** Channels, and the newest of their events that is no longer in the log. */
  readonly trimmed = new Map<string, number>();

  /** Events whose announcement was dropped on the way to a node. */
  readonly unannounced: { readonly channel: string; readonly position: number }[] = [];
  /** Those among them that this node can have told nobody of: its process died before it had found out. */
  readonly unfound = new Set<number>();

  /** Where Redis began again, as the clock has it. */
  forks: readonly Fork[] = [];
  /** Whether a master was replaced that had not replicated all, or lived on: positions were given out that no data have. */
  masterLost = false;
  /** Events that were acknowledged, or sent to a client, and that no log has: such a master had them. */
  unlogged: readonly LoggedEvent[] = [];
  /** Those of them that were acknowledged, as `identify` names them. */
  acknowledged: ReadonlySet<string> = new Set();

  explains(gap: ToldGap): boolean {
    const { channel, from, to } = gap;
    // The client came from the master that was replaced to a process that has yet to hear of the fork: its id is ahead.
    if (from > to && this.masterLost) return true;
    if (from >= to) return false;
    // Redis lost the position itself: a probe took it as Redis ended.
    if (this.forks.some((fork) => from === fork.from && to < fork.began)) return true;
    if (this.isOfAnnouncement(gap) || this.isOfLeftLine(gap) || this.isOfMaster(gap)) return true;
    return to <= this.trimmedTo(channel) || this.emptied.some((moment) => to >= moment);
  }

  /**
   * Its client may have been at the node to which an announcement was dropped, or at another one, and have the event.
   *
   * Where the log has lost events after `from`, it does not show which announcement was dropped: perhaps one before `to`.
   */
  isOfAnnouncement({ channel, from, to }: ToldGap): boolean {
    const isGone = this.trimmedTo(channel) > from || this.emptied.some((moment) => moment > from);
    return this.unannounced.some(
      (event) => event.channel === channel && from < event.position && (event.position <= to || isGone),
    );
  }

  /** Its client had come, from whatever node, with a position beyond the fork that only the old line can have given out. */
  isOfLeftLine({ from, toLine }: ToldGap): boolean {
    return this.forks.some((fork) => from === fork.from && toLine < fork.line);
  }

  /**
   * A master that was replaced had events of the channel that its successor has not.
   *
   * @param passed events that came to the client: without them it is told by a notice, which may come late
   */
  isOfMaster({ channel, from, to }: ToldGap, passed: ReadonlySet<string> = new Set()): boolean {
    const isLost = (event: LoggedEvent) =>
      event.channel === channel && from < event.position && event.position <= to;
    const lost = this.unlogged.filter(isLost);
    return lost.length > 0 && !lost.some((event) => passed.has(identify(event)));
  }

  private trimmedTo(channel: string): number {
    return this.trimmed.get(channel) ?? 0;
  }
}

/** An event as a log has it. Two masters of one shard may give out the same id. */
export type LoggedEvent = Pick<PublishedEvent, 'id' | 'key' | 'channel' | 'position'>;

export const identify = ({ id, key }: Pick<LoggedEvent, 'id' | 'key'>): string => `${id} ${key}`;

/** A gap as a client was told of it; `at` is its place among the messages. */
interface ToldGap {
  readonly channel: string;
  readonly from: number;
  readonly to: number;
  readonly at: number;
  /** Of the id with which the client stood at the end of the gap, the line; infinite where it never did. */
  readonly toLine: number;
}

/** What one client got. */
export interface Reception {
  readonly name: string;
  readonly channels: readonly string[];
  /** From where on it is to get everything. */
  readonly start: number | undefined;
  readonly messages: readonly SseMessage[];
  /** Everything with an id, id-only blocks included. */
  readonly blocks: readonly SseBlock[];
}

export interface Circumstances {
  readonly events: readonly PublishedEvent[];
  readonly loss: DataLoss;
  /** An announcement was dropped: order is promised within each channel only. */
  readonly announcementDropped: boolean;
}

export const COUNTS = [
  'deliveries',
  'lost',
  'doubled',
  'reordered',
  'foreign',
  'gaps',
  'undueGaps',
  'missedInGaps',
  /** Gaps behind a fork that the client may have passed elsewhere. */
  'unsureGaps',
  /** Acknowledged, and in no log. */
  'gone',
  /** Those of them of which the client was not told: they did not come to it. */
  'goneUnseen',
] as const;
export type Counts = Record<(typeof COUNTS)[number], number>;

/** Whether one client got what it was to get, and was told of what it could not get. */
export interface Verdict {
  readonly counts: Counts;
  /** One line for each thing that must not be. */
  readonly problems: readonly string[];
}

/** Holds what a client received against what was published. */
export function judge(reception: Reception, { events, loss, announcementDropped }: Circumstances): Verdict {
  const { name, channels, start, messages, blocks } = reception;
  const problems: string[] = [];
  const complain = (what: string, which: readonly string[]) => {
    if (which.length === 0) return;
    problems.push(
      `${name}: ${what} ${which.length}: ${which.slice(0, 8).join(', ')}${which.length > 8 ? ' …' : ''}`,
    );
  };
  if (start === undefined) {
    return { counts: noCounts(), problems: [`${name}: never told its position`] };
  }

  const byId = new Map(events.map((event) => [event.id, event]));
  const doubtful = new Set(events.filter((event) => event.doubtful).map(({ key }) => key));
  const gaps: ToldGap[] = [];
  const lines = new Map(blocks.toReversed().map(({ id }) => [toPosition(id!), toLine(id!)]));
  const received: { id: string; channel: string; at: number }[] = [];
  const keys = new Map<string, string>();
  const doubledKeys: string[] = [];
  const wrong: string[] = [];
  const unlogged = new Set(loss.unlogged.map(identify));
  const passed = new Set<string>();
  messages.forEach((message, at) => {
    const { type, data } = message;
    const id = ownIdOf(message);
    if (type === 'gap') gaps.push(parseGap(message, at, lines));
    else if (type === 'tick') {
      const { key, channel } = JSON.parse(data) as Payload;
      const identity = identify({ id, key });
      if (unlogged.has(identity)) {
        if (passed.has(identity)) doubledKeys.push(identity);
        passed.add(identity);
        return;
      }
      const known = keys.get(key);
      // What was published with an unknown outcome, and then forgotten by Redis with its key, is published twice.
      const twice = loss.emptied.length > 0 && doubtful.has(key);
      if (known !== undefined && known !== id && !twice) doubledKeys.push(`${key} (${known} and ${id})`);
      keys.set(key, id);
      if (!byId.has(id) && twice) return;
      if (byId.has(id) && byId.get(id)!.key !== key) wrong.push(`${id} with the data of ${key}`);
      received.push({ id, channel, at });
    } else if (type !== 'error') wrong.push(`${type} ${data.slice(0, 80)}`);
  });

  const expected = events
    .filter(({ channel, position }) => channels.includes(channel) && position > start)
    .sort((a, b) => a.position - b.position);
  const ledger = compare(
    expected.map(({ id }) => id),
    received.map(({ id }) => id),
  );
  const isTold = ({ channel, position }: LoggedEvent) =>
    gaps.some((gap) => gap.channel === channel && gap.from < position && position <= gap.to);
  const missing = ledger.lost.map((id) => byId.get(id)!);
  const lost = missing.filter((event) => !loss.unfound.has(event.position) && !isTold(event));
  const gone = loss.unlogged.filter(
    (event) =>
      channels.includes(event.channel) && event.position > start && loss.acknowledged.has(identify(event)),
  );
  // One that came to nobody here left no trace: docs/guarantees.md.
  const untold = loss.unlogged.filter((event) => passed.has(identify(event)) && !isTold(event));
  const reordered = announcementDropped
    ? channels.flatMap((one) => {
        const here = <T extends { channel: string }>(list: readonly T[]) =>
          list.filter(({ channel }) => channel === one);
        return compare(
          here(expected).map(({ id }) => id),
          here(received).map(({ id }) => id),
        ).reordered;
      })
    : ledger.reordered;
  // A notice also reaches clients that came back before it, and had been told where they were.
  const isRepeated = ({ channel, from, at }: ToldGap) =>
    loss.forks.some((fork) => fork.from === from) &&
    gaps.some((gap) => gap.channel === channel && gap.from === from && gap.at < at);
  const undue = gaps.filter((gap) => !loss.explains(gap));
  const misplaced = gaps
    .filter((gap) => !loss.isOfAnnouncement(gap) && !loss.isOfLeftLine(gap))
    .filter((gap) => !loss.isOfMaster(gap, passed) && !isRepeated(gap))
    .filter(({ channel, from, at }) =>
      received.some((one) => one.channel === channel && one.at < at !== parseEventId(one.id)! <= from),
    );

  complain('lost', lost.map(showEvent));
  complain('received from a master that is gone, and not told', untold.map(showEvent));
  complain('doubled', [...ledger.doubled, ...doubledKeys]);
  complain('reordered', reordered);
  complain('foreign', [...ledger.foreign, ...wrong]);
  complain('gaps without cause', undue.map(showGap));
  complain('gaps at the wrong place', misplaced.map(showGap));
  const mayGoBack = announcementDropped || loss.masterLost || loss.emptied.length > 0;
  if (!mayGoBack) complain('position went back', backwards(blocks));
  return {
    counts: {
      deliveries: received.length + passed.size,
      lost: lost.length,
      doubled: ledger.doubled.length + doubledKeys.length,
      reordered: reordered.length,
      foreign: ledger.foreign.length + wrong.length,
      gaps: gaps.length,
      undueGaps: undue.length,
      unsureGaps: gaps.filter((gap) => loss.isOfLeftLine(gap)).length,
      missedInGaps: missing.length - lost.length,
      gone: gone.length,
      goneUnseen: gone.filter((event) => !passed.has(identify(event)) && !isTold(event)).length,
    },
    problems,
  };
}

export function noCounts(): Counts {
  return Object.fromEntries(COUNTS.map((name) => [name, 0])) as Counts;
}

function parseGap({ data }: SseMessage, at: number, lines: ReadonlyMap<number, number>): ToldGap {
  const { channel, from, to: id } = JSON.parse(data) as { channel: string; from: string | null; to: string };
  const to = parseEventId(id)!;
  return {
    channel,
    from: from === null ? -1 : parseEventId(from)!,
    to,
    at,
    toLine: lines.get(to) ?? Infinity,
  };
}

function showEvent({ id, channel, key }: LoggedEvent): string {
  return `${id} (${channel}, ${key})`;
}

function showGap({ channel, from, to, at }: ToldGap): string {
  return `${channel} from ${from} to ${to} as message ${at}`;
}

/** Places where the client's position became an earlier one. */
function backwards(blocks: readonly SseBlock[]): string[] {
  const places: string[] = [];
  blocks.forEach(({ id }, i) => {
    const before = blocks[i - 1]?.id;
    // Behind a fork a client goes back to it, and its ids are of the new line from then on.
    const isBack =
      before !== undefined && toPosition(id!) < toPosition(before) && toLine(id!) === toLine(before);
    if (isBack) places.push(`${before} → ${id}`);
  });
  return places;
}

/** Where a client stands with an id: that of a late event says it behind its own (docs/delivery.md). */
function toPosition(id: string): number {
  return parseEventId(id.slice(id.lastIndexOf('~') + 1))!;
}

function toLine(id: string): number {
  return parseLine(id.slice(id.lastIndexOf('~') + 1));
}
