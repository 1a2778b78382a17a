import type { ConnectionState, StopReason } from '../connection/connection-state.js';
import type { StreamEvent } from '../connection/stream-event.js';
import type { EventStream, InspectableStream, RefusalReason } from '../stream/event-stream.interface.js';
import { HostedChannels } from './hosted-channels.js';
import { HostOutbox } from './host-outbox.js';
import { leastOf } from './event-ids.js';
import type { ChangeMessage, HostMessage, JoinMessage, TabMessage } from './protocol.js';

/** A stream that says where it stands: `LocalStream`. */
export type HostedStream = EventStream & InspectableStream;

export interface StreamHostOptions {
  readonly id: string;
  readonly generation: number;
  /** Whether it lives in a SharedWorker. */
  readonly inWorker: boolean;
  /** Makes the stream. @param lastEventId after which it begins; undefined: from now on */
  readonly open: (lastEventId: string | undefined) => HostedStream;
  readonly send: (message: HostMessage) => void;
  /** The ids of the tabs that live, and are to join before the stream begins; undefined where nobody knows. */
  readonly livingTabs: () => Promise<readonly string[] | undefined>;
  readonly watchTab: (tab: string) => void;
  readonly unwatchTab: (tab: string) => void;
  /** The stream is over, or no tab needs it: the host has ended itself. */
  readonly onEnd: () => void;
}

/** ms within which tabs answer a new host. Those that are frozen do not, and join when they are thawed. */
const GATHERING = 300;
/** ms between joins that need the stream from an earlier point, and the stream's new beginning: tabs are restored together. */
const RESTART_DELAY = 50;
/** ms after which a channel that no tab needs leaves the stream: a page that is loaded anew needs it again at once. */
const LINGER = 1_000;

/** Has the one stream of a browser: for all channels that any tab needs, from where the slowest tab is. */
export class StreamHost {
  private readonly joined = new Map<string, JoinMessage>();
  /** Tabs whose welcome waits for the stream to begin, or to begin anew. */
  private waiting = new Set<string>();
  private readonly channels = new HostedChannels();
  private readonly outbox: HostOutbox;
  private stream: HostedStream | undefined;
  private gathered: (() => void) | undefined;
  /** The tabs that are yet to join before the stream begins. */
  private readonly missing = new Set<string>();
  private isGathered = false;
  private restart: ReturnType<typeof setTimeout> | undefined;
  private readonly types = new Set<string>();
  private ended = false;

  constructor(private readonly options: StreamHostOptions) {
    this.outbox = new HostOutbox(options, () => {
      const [position, upTo] = this.stream?.whole ?? [];
      const covered = this.channels.added.filter((name) => this.stream?.inspect(name)?.covered);
      return { position: position || null, upTo: upTo || null, covered };
    });
  }

  /** Gathers what all tabs need and have, and begins the stream. */
  async start(): Promise<void> {
    this.outbox.send({ kind: 'claim', inWorker: this.options.inWorker });
    await this.gather();
    this.isGathered = true;
    // A busy tab joins later, and the stream begins then.
    if (!this.ended && this.joined.size > 0) this.begin();
  }

  receive(message: TabMessage): void {
    if (this.ended) return;
    // Its time may be up: the timers of a background tab are late, and messages are not.
    this.gathered?.();
    switch (message.kind) {
      case 'join':
        if (message.host === undefined || message.host === this.options.id) this.join(message);
        return;
      case 'change':
        this.change(message);
        return;
      case 'leave':
        this.leave(message.tab);
        return;
      case 'ping':
        this.outbox.answer();
        return;
      case 'reconnect':
        if (this.joined.has(message.tab)) this.stream?.reconnect();
        return;
      case 'claimed':
        return; // the candidate's
    }
  }

  /** A tab is closed, or was. */
  leave(tab: string): void {
    if (this.missing.delete(tab)) this.gathered?.();
    if (!this.joined.delete(tab)) return;
    this.options.unwatchTab(tab);
    this.waiting.delete(tab);
    for (const channel of this.channels.ofTab(tab)) this.dropLater(tab, channel);
    if (this.joined.size === 0 && this.stream) this.end();
  }

  /** Another host takes over, or none is needed. @param reason for which all tabs are to stop */
  end(reason?: StopReason): void {
    if (this.ended) return;
    this.outbox.flush();
    if (reason) this.outbox.send({ kind: 'state', state: { status: 'stopped', reason, detail: undefined } });
    this.ended = true;
    for (const tab of [...this.joined.keys(), ...this.missing]) this.options.unwatchTab(tab);
    this.closeStream();
    this.gathered?.();
    this.options.onEnd();
  }

  private async gather(): Promise<void> {
    const until = performance.now() + GATHERING;
    let done!: () => void;
    const enough = new Promise<void>((resolve) => {
      done = resolve;
      setTimeout(resolve, GATHERING);
    });
    this.gathered = () => (this.ended || performance.now() >= until) && done();
    const living = await this.options.livingTabs();
    for (const tab of living ?? []) {
      if (this.joined.has(tab) || this.ended) continue;
      this.missing.add(tab);
      this.options.watchTab(tab);
    }
    // Where nobody knows which tabs live, all time is theirs.
    const isComplete = () => living !== undefined && this.missing.size === 0;
    this.gathered = () => (this.ended || isComplete() || performance.now() >= until) && done();
    this.gathered();
    await enough;
    this.gathered = undefined;
  }

  private join(message: JoinMessage): void {
    const { tab } = message;
    this.joined.set(tab, message);
    this.missing.delete(tab);
    this.options.watchTab(tab);
    for (const channel of this.channels.ofTab(tab)) {
      if (!message.wants.some(([wanted]) => wanted === channel)) this.dropLater(tab, channel);
    }
    this.listen(message.types);
    this.waiting.add(tab);
    if (!this.stream) {
      if (this.isGathered) this.begin();
      else this.gathered?.();
      return;
    }
    if (message.from !== null && !this.channels.coversRoute(message.from, this.stream.lastEventId)) {
      this.restart ??= setTimeout(() => this.begin(), RESTART_DELAY);
    }
    if (this.restart === undefined) this.welcomeWaiting();
  }

  /** Begins the stream, or begins it anew, from the least that the waiting tabs and the stream itself have. */
  private begin(): void {
    this.outbox.flush();
    const { stream: before } = this;
    if (before) this.channels.keep((name) => before.inspect(name)?.after);
    const joins = [...this.waiting].map((tab) => this.joined.get(tab)!);
    const points = [before?.lastEventId, ...joins.map(({ from }) => from)].filter(Boolean) as string[];
    const least = points.length === 0 ? undefined : points.reduce(leastOf);
    this.closeStream();
    this.channels.beginRoute(least);
    for (const point of points) this.outbox.reached(point);
    for (const { tab, wants } of joins) this.channels.need(tab, wants);
    this.open(least);
    this.welcomeWaiting();
  }

  private open(lastEventId: string | undefined): void {
    const stream = this.options.open(lastEventId);
    this.stream = stream;
    stream.listener = this.createListener(stream);
    for (const type of this.types) stream.listen?.(type);
    stream.start();
    for (const [channel, after] of this.channels.toAdd()) stream.add(channel, after);
  }

  private welcomeWaiting(): void {
    const tabs = [...this.waiting];
    this.waiting.clear();
    for (const tab of tabs) {
      const { wants, from } = this.joined.get(tab)!;
      this.admit(tab, wants, from);
    }
  }

  private admit(tab: string, wants: ChangeMessage['add'], from: string | null): void {
    this.outbox.flush();
    const stream = this.stream!;
    const { channels, replay, add } = this.channels.admit(tab, wants, from);
    for (const [channel, after] of add) stream.add(channel, after);
    this.outbox.forgetCovered();
    this.outbox.send({
      kind: 'welcome',
      tab,
      round: this.joined.get(tab)!.round,
      state: stream.state,
      position: this.outbox.newest ?? null,
      channels,
      replay,
      inWorker: this.options.inWorker,
    });
  }

  private change({ tab, add, remove, types }: ChangeMessage): void {
    const join = this.joined.get(tab);
    if (!join) return; // what it joins with says all
    const wants = new Map([...join.wants, ...add]);
    for (const channel of remove) {
      wants.delete(channel);
      this.dropLater(tab, channel);
    }
    this.joined.set(tab, { ...join, wants: [...wants] });
    this.listen(types);
    if (add.length > 0 && this.stream && !this.waiting.has(tab)) this.admit(tab, add, null);
  }

  private listen(types: readonly string[]): void {
    for (const type of types) {
      this.types.add(type);
      this.stream?.listen?.(type);
    }
  }

  private dropLater(tab: string, channel: string): void {
    if (!this.channels.release(tab, channel)) return;
    setTimeout(() => {
      if (!this.ended && this.channels.drop(channel)) this.stream?.remove(channel);
    }, LINGER);
  }

  private createListener(stream: HostedStream): EventStream['listener'] {
    const isOfRoute = (channel: string) => stream.inspect(channel)?.isOfRoute;
    const isCurrent = () => this.stream === stream && !this.ended;
    return {
      onEvent: (event: StreamEvent) => {
        if (isCurrent()) this.outbox.push(this.channels.note(event, isOfRoute));
      },
      onState: (state: ConnectionState) => {
        if (!isCurrent()) return;
        this.outbox.send({ kind: 'state', state });
        // Tabs leave a stream that is over. A new tab begins another.
        if (state.status === 'stopped') this.end();
      },
      // Tabs have to know it before anything comes: they go on from there when this host is gone.
      onPlaced: () => isCurrent() && this.outbox.answer(),
      onRefused: (channel: string, reason?: RefusalReason) => {
        if (!isCurrent()) return;
        this.channels.forget(channel);
        this.outbox.send({ kind: 'refused', channel, reason });
      },
    };
  }

  private closeStream(): void {
    clearTimeout(this.restart);
    this.restart = undefined;
    const { stream } = this;
    this.stream = undefined;
    stream?.close();
  }
}
