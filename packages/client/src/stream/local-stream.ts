import type { ChangeNotice, ControlNotice } from '../connection/connection-listener.js';
import type { ConnectionState } from '../connection/connection-state.js';
import { readMapNotice } from '../connection/hub-events.js';
import { StreamConnection } from '../connection/stream-connection.js';
import type { StreamEvent } from '../connection/stream-event.js';
import { beginChange } from './begin-change.js';
import { ChannelChanges, type ChangeOutcome, type StreamOptions } from './channel-changes.js';
import { readRefusal, toNamed } from './channel-events.js';
import { toCursor, withoutOwn } from './event-id.js';
import type {
  ChannelInspection,
  EventStream,
  EventStreamListener,
  InspectableStream,
  RefusalReason,
  StreamPlace,
} from './event-stream.interface.js';
import { TrackedChannel } from './tracked-channel.js';

/** ms after which a stream that has sent no `control` event is taken for one without. */
const CONTROL_WITHIN = 10_000;
/** Channels of one request: a body parser takes 100 kB by default, and a name and an id may come to half a kilobyte. */
const MOST_AT_ONCE = 100;

const IGNORED: EventStreamListener = { onEvent() {}, onState() {}, onRefused() {} };

/** One stream of this page or process, with the channels of its route and those that are added. */
export class LocalStream implements EventStream, InspectableStream {
  /** Receives what comes. Set it before `start()`. */
  listener: EventStreamListener = IGNORED;
  private readonly connection: StreamConnection;
  private readonly changes: ChannelChanges;
  private readonly channels = new Map<string, TrackedChannel>();
  private control: ControlNotice | undefined;
  private changeCount = 0;
  private mostAtOnce = MOST_AT_ONCE;
  private isScheduled = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The stream was asked for without an id. */
  private isFirst = true;
  /** The id of the last event of an added channel, as it came, and as it is sent when the client comes back. */
  private amended = { from: '', to: '' };
  /** The id of the stream with the last event that was handed over, or of its beginning. */
  private reached = '';
  /** The same before a channel of the route was to begin anew: until it does, the page may lack what came since. */
  private before: string | undefined;
  /** Where the stream stands behind the last block that was handed over whole. */
  whole: StreamPlace = ['', ''];

  /** @throws InvalidClientOptionsError */
  constructor(private readonly options: StreamOptions) {
    this.changes = new ChannelChanges(options, () => this.schedule());
    this.connection = new StreamConnection(options, {
      onEvent: (event) => this.onEvent(event),
      onControl: (control) => this.onControl(control),
      onChange: (notice) => this.onChange(notice),
      onWhole: () => this.settle(),
      onState: (state) => this.onState(state),
    });
  }

  /** What is known of the connection. Each change is a new object. */
  get state(): ConnectionState {
    return this.connection.state;
  }

  /** What the page has of the channels of the route. */
  get lastEventId(): string {
    return this.before ?? this.connection.lastEventId;
  }

  /** The id of the stream as it came. */
  get coveredUpTo(): string {
    const { lastEventId } = this.connection;
    return lastEventId === this.amended.to ? this.amended.from : lastEventId;
  }

  inspect(name: string): ChannelInspection | undefined {
    const channel = this.channels.get(name);
    return channel && { isOfRoute: channel.isOfRoute, ...channel.resume(this.coveredUpTo) };
  }

  start(): void {
    this.settle();
    this.reached = this.lastEventId;
    this.isFirst = this.reached === '';
    this.connection.start();
  }

  add(name: string, after?: string): void {
    let channel = this.channels.get(name);
    if (!channel) this.channels.set(name, (channel = new TrackedChannel(name, after)));
    channel.want(after);
    if (channel.isBehind) this.before ??= this.connection.lastEventId;
    this.schedule();
  }

  remove(name: string): void {
    const channel = this.channels.get(name);
    if (!channel) return;
    channel.unwant();
    this.schedule();
  }

  listen(type: string): void {
    this.connection.listen(type);
  }

  reconnect(): void {
    this.connection.reconnect();
  }

  /** Ends the stream for good. */
  close(): void {
    this.connection.close();
  }

  private onState(state: ConnectionState): void {
    clearTimeout(this.timer);
    if (state.status === 'open') this.timer = setTimeout(() => this.refuseWithoutControl(), CONTROL_WITHIN);
    else {
      this.leave();
      this.isFirst = this.connection.lastEventId === '';
    }
    this.listener.onState(state);
  }

  /** The stream is over. Each channel goes on where it is now. */
  private leave(): void {
    this.changes.reset();
    for (const channel of this.channels.values()) channel.isEarly = false;
    if (!this.control) return;
    this.control = undefined;
    for (const channel of this.channels.values()) channel.leave(this.coveredUpTo);
    this.mark();
  }

  private onControl(control: ControlNotice): void {
    this.control = control;
    const ofRoute = new Set(control.channels);
    for (const name of ofRoute)
      if (!this.channels.has(name)) this.channels.set(name, new TrackedChannel(name));
    for (const channel of this.channels.values())
      channel.meet(ofRoute.has(channel.name), this.lastEventId, this.isFirst);
    this.mark();
    this.reached = this.lastEventId;
    this.schedule();
    this.place();
  }

  /** All that has come is handed over: other pages may be told of it. */
  private settle(): void {
    this.whole = [this.lastEventId, this.coveredUpTo];
  }

  private place(): void {
    this.settle();
    this.listener.onPlaced?.();
  }

  /** A change has taken effect at this place of the stream. */
  private onChange({ change, subscribed = [], unsubscribed = [] }: ChangeNotice): void {
    for (const name of unsubscribed) {
      const channel = this.channels.get(name);
      if (channel?.mutedUntil === change) channel.mutedUntil = 0;
      // A request that had been given up, and repeated, was carried out late.
      else if (channel?.covered) {
        channel.leave(this.coveredUpTo);
        this.schedule();
      }
    }
    for (const name of subscribed) {
      const channel = this.channels.get(name);
      if (channel?.change === change) channel.covered = channel.on = true;
    }
    this.mark();
    this.place();
  }

  private onEvent(event: StreamEvent): void {
    const named = toNamed(
      event,
      this.options.transport === 'event-source' ? this.control?.channels : undefined,
    );
    const channel = named.channel === undefined ? undefined : this.channels.get(named.channel);
    // Where a new channel begins is not known before the `control` event: what comes before that comes again.
    if (channel && !this.control && channel.rewindsEarly()) this.before ??= this.reached;
    if (channel?.isMuted) return;
    if (channel && named.own !== undefined) this.note(channel, event.id);
    else if (channel && readMapNotice(named)?.begins) channel.restart();
    this.reached = this.lastEventId;
    // What the route brings is for all; what was added is for those who added it.
    if (channel && this.control && !channel.wanted && !channel.isOfRoute) return;
    const reason = channel && readRefusal(event);
    if (reason) this.refuse(channel, reason);
    else this.listener.onEvent(named);
  }

  /** The ids of the stream say again what the page has, once no channel of the route has yet to begin anew. */
  private mark(): void {
    const { control, lastEventId } = this;
    const channels = [...this.channels.values()];
    const isBehind = channels.some((channel) => channel.isBehind || (!control && channel.isMuted));
    this.before = isBehind ? lastEventId : undefined;
  }

  private note(channel: TrackedChannel, id: string): void {
    channel.note(id);
    // The next stream has not this channel when it begins, and would look for its event in others.
    if (channel.isOfRoute || !id.includes('~') || this.connection.lastEventId !== id) return;
    this.amended = { from: id, to: withoutOwn(id) };
    this.connection.lastEventId = this.amended.to;
  }

  private refuse(channel: TrackedChannel, reason: RefusalReason): void {
    this.channels.delete(channel.name);
    this.listener.onRefused(channel.name, reason);
  }

  private refuseWithoutControl(): void {
    if (this.control) return;
    for (const channel of [...this.channels.values()])
      if (channel.wanted || !channel.isOfRoute) this.refuse(channel, 'NO_CONTROL');
    this.mark();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => {
      this.isScheduled = false;
      this.sendChange();
    });
  }

  private sendChange(): void {
    const { control, changes } = this;
    if (!control || changes.isBusy) return;
    const added: TrackedChannel[] = [];
    const removed: TrackedChannel[] = [];
    for (const channel of [...this.channels.values()]) {
      if (added.length + removed.length >= this.mostAtOnce) break;
      const { wanted, on, rewinds, isOfRoute } = channel;
      if (this.options.transport === 'event-source' && wanted && !isOfRoute)
        this.refuse(channel, 'EVENT_SOURCE');
      else if (rewinds || (wanted && on !== true)) added.push(channel);
      else if (!wanted && on !== false && !isOfRoute) removed.push(channel);
      else if (!wanted && !isOfRoute && !channel.isMuted) this.channels.delete(channel.name);
    }
    if (added.length + removed.length === 0) return;
    const change = beginChange(++this.changeCount, added, removed);
    void changes.send(control, change, (outcome) => this.finishChange(outcome, added, removed));
  }

  private finishChange(
    outcome: ChangeOutcome,
    added: readonly TrackedChannel[],
    removed: readonly TrackedChannel[],
  ): void {
    if ('status' in outcome) this.fail(outcome.status, added, removed);
    else {
      this.mostAtOnce = MOST_AT_ONCE;
      for (const channel of removed) channel.on = false;
      for (const channel of added) {
        if (outcome.refused.includes(channel.name)) this.refuse(channel, 'FORBIDDEN_CHANNEL');
        else {
          channel.on = true;
          channel.after ??= outcome.position;
        }
      }
    }
    // What is refused does not begin anew.
    this.mark();
  }

  /** One channel may be wrong, or there are too many: fewer are tried, down to one. A server without `authorize` refuses all. */
  private fail(status: number, added: readonly TrackedChannel[], removed: readonly TrackedChannel[]): void {
    const count = added.length + removed.length;
    if (count > 1 && status !== 403) {
      this.mostAtOnce = count >> 1;
      return;
    }
    for (const channel of [...added, ...removed])
      if (channel.isOfRoute) this.skip(channel);
      else this.refuse(channel, status);
  }

  /** A channel of the route cannot be rewound, and is on the stream as before. */
  private skip(channel: TrackedChannel): void {
    const { after: from = null } = channel;
    const to = toCursor(this.connection.lastEventId);
    channel.stay(to);
    const data = JSON.stringify({ channel: channel.name, from, to });
    this.listener.onEvent({ type: 'gap', data, id: this.connection.lastEventId, channel: channel.name });
  }
}
