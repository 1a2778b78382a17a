import { readMapNotice } from '../connection/hub-events.js';
import { START } from '../stream/event-id.js';
import { readRefusal } from '../stream/channel-events.js';
import { isAtOrBefore, placeAfter, placeOfEvent, type EventPlace } from './event-ids.js';
import { readHubNotice, type HubNotice } from './hub-notice.js';
import type { SharedEvent, Want } from './protocol.js';

/** How far the tab is in one channel. */
interface ChannelProgress {
  /** The id after which the tab needs events; undefined: from now on, and none has come yet. */
  after: string | undefined;
  /** Of the whole stream, as the channel was added: events up to here are not for this tab. */
  readonly since: string | undefined;
  last: EventPlace | undefined;
  /** Everything up to the stream's position has come. */
  covered: boolean;
  /** Whether the host has said that the channel goes on for this tab. Until then its events are for others. */
  ready: boolean;
}

/** Longer ids name many channels that are owed events, and may not name all of them (docs/delivery.md). */
const LONGEST_ID = 1_000;
/** Ids of events without a channel. More than a switch of hosts brings again. */
const MAX_RECENT = 4_096;

/**
 * Which events of the shared stream are for this tab, and which it has had: a new host repeats what the slowest tab lacks.
 */
export class TabProgress {
  private readonly wanted = new Map<string, ChannelProgress>();
  /** Channels that the route names. */
  private readonly routed = new Map<string, ChannelProgress>();
  /** Of streams that name no channels. */
  private readonly recent = new Set<string>();
  private lastId: string | undefined;
  /** The stream's last event id, as this tab has it: what it joins a host with. */
  private position: string | undefined;
  /** The id up to which covered channels have come. */
  private upTo: string | undefined;

  /** @param begin events of the route come after this id; undefined: from now on */
  constructor(private begin: string | undefined) {
    this.position = this.lastId = begin;
  }

  get from(): string | null {
    return this.position ?? null;
  }

  get wants(): Want[] {
    const { upTo = '' } = this;
    const isShort = upTo !== '' && upTo.length < LONGEST_ID;
    return [...this.wanted].map(([channel, { covered, after = null }]) => [
      channel,
      covered && isShort ? upTo : after,
    ]);
  }

  /** @returns whether the host has to be asked for it */
  add(channel: string, after?: string): boolean {
    const wanted = this.wanted.get(channel);
    if (wanted) return after !== undefined && rewind(wanted, after);
    const progress = { after, since: this.position, last: undefined, covered: false, ready: false };
    this.wanted.set(channel, (after === undefined && this.routed.get(channel)) || progress);
    return true;
  }

  /** One that the route names goes on, for those who listen to the whole stream. */
  remove(channel: string): boolean {
    return this.wanted.delete(channel);
  }

  /** A host has taken this tab on: it is where it was, and its channels go on. */
  welcome(position: string | null, channels: readonly Want[]): void {
    this.begin ??= position ?? undefined;
    this.position ??= position ?? undefined;
    for (const [channel, after] of channels) this.goOn(channel, after);
  }

  /** The new host has yet to take this tab on. What it joins with stays as it is. */
  leaveHost(): void {
    for (const [channel, after] of this.wants) {
      const progress = this.wanted.get(channel)!;
      progress.after = after ?? undefined;
      progress.covered = progress.ready = false;
    }
  }

  /**
   * All events up to a position of the stream have come.
   *
   * @param upTo the same, of the channels that were added
   * @param covered of which of them this is so; undefined: as before
   */
  reach(position: string | null, upTo: string | null, covered: readonly string[] | undefined): void {
    const names = covered && new Set(covered);
    for (const [channel, progress] of names ? this.wanted : []) {
      const isCovered = progress.ready && names!.has(channel);
      if (progress.covered && !isCovered) progress.after = laterOf(progress.after, this.upTo);
      progress.covered = isCovered;
    }
    if (position !== null) this.position = position;
    this.upTo = upTo ?? undefined;
  }

  private goOn(channel: string, after: string | null): void {
    const progress = this.wanted.get(channel);
    if (!progress) return;
    progress.ready = true;
    if (progress.last === undefined) progress.after ??= after ?? undefined;
  }

  /** @returns whether the event is for this tab, and new to it */
  accept(event: SharedEvent): boolean {
    const notice = readHubNotice(event);
    const before = this.lastId;
    this.lastId = event.id;
    const channel = event.channel ?? notice?.channel;
    if (channel === undefined) return this.isNews(event, before);
    const progress = this.progressOf(channel, event.everyone);
    if (!progress) return false;
    const map = readMapNotice(event);
    if (map?.begins) Object.assign(progress, { after: START, last: undefined });
    if (map) return true;
    if (notice?.type === 'gap') return acceptGap(progress, notice);
    if (notice) return this.wanted.delete(channel) || event.everyone;
    // `hub.unsubscribe()` has taken it off.
    if (readRefusal(event)) this.routed.delete(channel);
    return event.own === undefined ? this.isNews(event, before) : acceptEvent(progress, event.own);
  }

  private progressOf(channel: string, everyone: boolean): ChannelProgress | undefined {
    const wanted = this.wanted.get(channel);
    if (wanted) {
      if (!wanted.ready && !(everyone && wanted.after === undefined)) return undefined;
      // The tab may take it off, and what it has had must not come again.
      if (everyone) this.routed.set(channel, wanted);
      return wanted;
    }
    if (!everyone) return undefined;
    let routed = this.routed.get(channel);
    if (!routed) {
      routed = { after: undefined, since: this.begin, last: undefined, covered: false, ready: true };
      this.routed.set(channel, routed);
    }
    return routed;
  }

  /** Events to one client have the id that the client has already, and are in no log: a stream brings them once. */
  private isNews({ id }: SharedEvent, before: string | undefined): boolean {
    if (id === before || id === '') return true;
    if (this.recent.has(id)) return false;
    this.recent.add(id);
    for (const oldest of this.recent) {
      if (this.recent.size <= MAX_RECENT) break;
      this.recent.delete(oldest);
    }
    return true;
  }
}

function acceptEvent(progress: ChannelProgress, id: string): boolean {
  const place = placeOfEvent(id);
  if (!place) return true;
  const last = lastOf(progress, place.shard);
  if (last && place.position <= last.position) return false;
  advance(progress, place, id);
  return true;
}

/** Another part of the page needs events from before. @returns false where none of them has come */
function rewind(progress: ChannelProgress, after: string): boolean {
  const had = progress.last ? progress.after : (progress.after ?? progress.since);
  if (had !== undefined && isAtOrBefore(had, after)) return false;
  Object.assign(progress, { after, last: undefined, covered: false, ready: false });
  return true;
}

/** A gap that ends before the last event of the tab is another tab's. One with an earlier end than start begins the channel anew. */
function acceptGap(progress: ChannelProgress, { from, to }: HubNotice): boolean {
  const place = placeOfEvent(to ?? '');
  if (!place) return true;
  const start = placeOfEvent(from ?? '');
  const last = lastOf(progress, place.shard);
  const anew = !start || start.position > place.position || (last !== undefined && place.line > last.line);
  if (last && !anew && place.position <= last.position) return false;
  advance(progress, place, to!);
  return true;
}

function lastOf({ last, after, since }: ChannelProgress, shard: number | undefined): EventPlace | undefined {
  if (last) return last;
  const begin = after ?? since;
  return begin === undefined ? undefined : placeAfter(begin, shard);
}

function laterOf(after: string | undefined, position: string | undefined): string | undefined {
  if (after === undefined || position === undefined) return after ?? position;
  return isAtOrBefore(after, position) ? position : after;
}

function advance(progress: ChannelProgress, place: EventPlace, id: string): void {
  const line = Math.max(place.line, progress.last?.line ?? 0);
  progress.last = { ...place, line };
  progress.after = id;
}
