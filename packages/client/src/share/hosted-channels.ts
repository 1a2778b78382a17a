import type { StreamEvent } from '../connection/stream-event.js';
import { readRefusal } from '../stream/channel-events.js';
import type { HeldEvent } from './channel-ring.js';
import { isAtOrBefore, leastOf } from './event-ids.js';
import { HostedChannel } from './hosted-channel.js';
import { readHubNotice } from './hub-notice.js';
import type { SharedEvent, Want } from './protocol.js';

/** For events of streams that name no channels. */
const UNNAMED = '';

/** How a tab is taken on. */
export interface Admission {
  /** Its channels, and the id after which each goes on for it. */
  readonly channels: readonly Want[];
  /** The events behind those ids that came already. */
  readonly replay: readonly SharedEvent[];
  /** What the stream has to be asked for. */
  readonly add: readonly (readonly [channel: string, after: string | undefined])[];
}

/** The channels of the stream, which tabs need them, and their newest events. */
export class HostedChannels {
  private readonly channels = new Map<string, HostedChannel>();
  private routeStart: string | undefined;
  private order = 0;
  private lastId = '';

  /** The channels that the stream is asked for. */
  get added(): string[] {
    return [...this.channels].flatMap(([name, { isAdded }]) => (isAdded ? [name] : []));
  }

  ofTab(tab: string): string[] {
    return [...this.channels].flatMap(([name, { tabs }]) => (tabs.has(tab) ? [name] : []));
  }

  /** The stream begins after this id. */
  beginRoute(start: string | undefined): void {
    this.routeStart = start;
    for (const [name, channel] of this.channels) {
      if (channel.isAdded) continue;
      if (start === undefined) this.channels.delete(name);
      else channel.rewind(start);
    }
  }

  /** Whether a tab that has the stream up to an id lacks nothing of the route's channels but what the host still holds. */
  coversRoute(from: string, position: string): boolean {
    if (position !== '' && isAtOrBefore(position, from)) return true;
    if (this.routeStart === undefined || !isAtOrBefore(this.routeStart, from)) return false;
    return this.ofRoute().every((channel) => channel.heldAfter(from) !== undefined);
  }

  /** Before the stream begins: what a tab needs of it. */
  need(tab: string, wants: readonly Want[]): void {
    for (const [name, after] of wants) {
      const channel = this.channels.get(name) ?? this.create(name, true, after ?? undefined);
      channel.tabs.add(tab);
      channel.isAdded = true;
      if (after === null) continue;
      channel.reached(after);
      const { resume } = channel;
      if (!channel.heldAfter(after)) channel.rewind(resume === undefined ? after : leastOf(resume, after));
    }
  }

  /** The channels that the next stream is asked for. */
  toAdd(): [channel: string, after: string | undefined][] {
    return [...this.channels].flatMap(([name, { isAdded, resume }]) => (isAdded ? [[name, resume]] : []));
  }

  /** The stream is over. @param after where it was in a channel */
  keep(after: (channel: string) => string | undefined): void {
    for (const [name, channel] of this.channels) if (channel.isAdded) channel.resume = after(name);
  }

  /** Takes a tab on. @param from up to which it has the channels of the route; null: it begins now */
  admit(tab: string, wants: readonly Want[], from: string | null): Admission {
    const add: [string, string | undefined][] = [];
    const held: HeldEvent[] = [];
    const channels = wants.map(([name, after]): Want => {
      let channel = this.channels.get(name);
      if (!channel) {
        channel = this.create(name, true, after ?? undefined);
        add.push([name, after ?? undefined]);
      }
      channel.tabs.add(tab);
      if (after === null) return [name, channel.newest ?? null];
      const lacking = channel.heldAfter(after);
      if (lacking) held.push(...lacking);
      else if (!add.some(([added]) => added === name)) {
        channel.isAdded = true;
        channel.rewind(after);
        add.push([name, after]);
      }
      return [name, after];
    });
    if (from !== null) held.push(...this.ofRoute().flatMap((channel) => channel.heldAfter(from) ?? []));
    const replay = held.sort((one, other) => one.order - other.order).map(({ event }) => event);
    return { channels, replay, add };
  }

  /** @returns whether no tab needs the channel any more */
  release(tab: string, name: string): boolean {
    const channel = this.channels.get(name);
    return channel !== undefined && channel.tabs.delete(tab) && channel.tabs.size === 0;
  }

  /** @returns whether the stream is to be without the channel: no tab has come to need it since */
  drop(name: string): boolean {
    const channel = this.channels.get(name);
    if (!channel || channel.tabs.size > 0 || channel.isOfRoute) return false;
    return this.channels.delete(name);
  }

  /** The stream has lost the channel. */
  forget(name: string): void {
    this.channels.delete(name);
  }

  /**
   * Keeps an event for tabs that join late.
   *
   * @param isOfRoute whether the route names a channel; undefined: not known
   */
  note(event: StreamEvent, isOfRoute: (channel: string) => boolean | undefined): SharedEvent {
    const notice = readHubNotice(event);
    const name = event.channel ?? notice?.channel ?? UNNAMED;
    const known = this.channels.get(name) ?? this.create(name, false, this.routeStart);
    known.isOfRoute = isOfRoute(name) ?? !known.isAdded;
    const shared: SharedEvent = { ...event, everyone: known.isOfRoute };
    // Events to one client have the id of the event before, and are in no log.
    if (event.id !== this.lastId || name !== UNNAMED) known.hold(this.order++, shared);
    this.lastId = event.id;
    if (name !== UNNAMED) known.reached(notice?.to ?? event.id);
    // What `hub.subscribe()` had put on is of the route, and comes and goes for as long as the stream lives.
    if (notice?.type === 'end' || readRefusal(event)) this.channels.delete(name);
    return shared;
  }

  private ofRoute(): HostedChannel[] {
    return [...this.channels.values()].filter(({ isOfRoute }) => isOfRoute);
  }

  private create(name: string, isAdded: boolean, start: string | undefined): HostedChannel {
    const channel = new HostedChannel(isAdded, !isAdded, start);
    this.channels.set(name, channel);
    return channel;
  }
}
