import type { ConnectionState } from '../connection/connection-state.js';
import type { StreamEvent } from '../connection/stream-event.js';
import type { RefusalReason } from '../stream/event-stream.interface.js';
import { Candidate, type CandidateOptions } from './candidate.js';
import { HostWatch } from './host-watch.js';
import { LogOutSignal } from './log-out.js';
import { isFromHost, type HostMessage, type ShareMessage, type Want } from './protocol.js';
import { ShareBus } from './share-bus.js';
import type { ShareRole } from './share-options.js';
import type { TabProgress } from './tab-progress.js';
import type { CreateWorker, WorkerLink } from './worker-link.js';

export interface TabSessionOptions extends Pick<CandidateOptions, 'locks' | 'names' | 'open'> {
  readonly progress: TabProgress;
  /** Types of events that somebody listens to. */
  readonly types: ReadonlySet<string>;
  readonly leaderTimeout: number;
  /** Undefined: no worker. */
  readonly worker: { readonly link: WorkerLink; readonly create: CreateWorker } | undefined;
  readonly onEvent: (event: StreamEvent) => void;
  readonly onState: (state: ConnectionState) => void;
  readonly onRefused: (channel: string, reason?: RefusalReason) => void;
  readonly onRole: (role: ShareRole) => void;
  /** The browser denies this page its locks: it can share nothing. */
  readonly onDenied: (error: unknown) => void;
}

/** A tab among the tabs that share a stream, from when the page is shown until it is left. */
export class TabSession {
  private readonly id = crypto.randomUUID();
  private readonly bus: ShareBus;
  private readonly logOut: LogOutSignal;
  private readonly watch: HostWatch;
  private readonly candidate: Candidate;
  private releaseLock: (() => void) | undefined;
  private host: string | undefined;
  private generation = 0;
  private round = 0;
  /** The number of the host's last message; undefined until the host has taken this tab on. */
  private seq: number | undefined;
  private ended = false;

  constructor(private readonly options: TabSessionOptions) {
    const { locks, names, open, onState } = options;
    this.bus = new ShareBus(names.channel, (message) => this.receive(message));
    this.logOut = new LogOutSignal(names.logOut, () =>
      onState({ status: 'stopped', reason: 'closed', detail: undefined }),
    );
    this.candidate = new Candidate({
      ...{ tab: this.id, locks, names, open, inWorker: false },
      onEnd: () => undefined,
    });
    this.watch = new HostWatch(options.leaderTimeout, {
      ping: () => this.ping(),
      onSilent: () => void this.candidate.succeed(() => this.watch.isSilent && !this.ended),
    });
  }

  start(): void {
    const { locks, names, worker } = this.options;
    // As long as the tab lives. A host that sees the tab join before would take it for closed.
    const held = locks.request(names.tab(this.id), () => {
      if (this.ended) return undefined;
      this.join();
      if (!worker) this.stand();
      return new Promise<void>((resolve) => (this.releaseLock = resolve));
    });
    held.catch((error: unknown) => this.ended || this.options.onDenied(error));
    worker?.link.open(worker.create, names);
  }

  /** This tab is a candidate from now on: there is no worker, or it has stood for election before. */
  stand(): void {
    if (this.ended) return;
    this.candidate.stand();
    this.watch.start();
  }

  /** The browser is about to freeze the page: another has the stream meanwhile. */
  freeze(): void {
    this.watch.stop();
    this.candidate.withdraw();
  }

  change(add: readonly Want[], remove: readonly string[], types: readonly string[] = []): void {
    if (this.releaseLock) this.bus.send({ kind: 'change', tab: this.id, add, remove, types });
  }

  reconnect(): void {
    this.bus.send({ kind: 'reconnect', tab: this.id });
  }

  /** Leaves. Another tab has the stream then. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.watch.stop();
    this.bus.send({ kind: 'leave', tab: this.id });
    this.candidate.close();
    this.options.worker?.link.close();
    this.releaseLock?.();
    this.bus.close();
    this.logOut.close();
    this.options.progress.leaveHost();
  }

  private join(): void {
    const { progress, types } = this.options;
    const { host, round } = this;
    const { wants, from } = progress;
    this.bus.send({ kind: 'join', tab: this.id, host, round, wants, from, types: [...types] });
  }

  private ping(): void {
    this.bus.send({ kind: 'ping', tab: this.id });
    if (this.seq === undefined) this.join();
  }

  private receive(message: ShareMessage): void {
    if (!isFromHost(message)) return;
    if (this.isOutdated(message)) {
      if (message.kind === 'claim')
        this.bus.send({ kind: 'claimed', tab: this.id, generation: this.generation });
      return;
    }
    this.watch.heard();
    const isWelcome = message.kind === 'welcome' && message.tab === this.id && message.round === this.round;
    if (message.host !== this.host) this.follow(message);
    else if (this.seq === undefined && !isWelcome) return;
    else if (this.seq !== undefined && message.seq !== this.seq + 1) this.follow(message);
    else if (isWelcome) this.welcome(message);
    else this.take(message);
  }

  /** Whether a newer host is known: the sender was frozen, and does not know that it has been replaced. */
  private isOutdated({ host, generation }: HostMessage): boolean {
    return generation < this.generation || (generation === this.generation && host !== this.host);
  }

  /** Joins a host, or joins it again because a message of it is missing. */
  private follow({ host, generation }: HostMessage): void {
    this.host = host;
    this.generation = generation;
    this.seq = undefined;
    // What it asked for before may be on its way to this host, too.
    this.round++;
    this.options.progress.leaveHost();
    this.join();
  }

  private welcome(message: Extract<HostMessage, { kind: 'welcome' }>): void {
    const { progress, onRole, onState } = this.options;
    this.seq = message.seq;
    progress.welcome(message.position, message.channels);
    this.deliver(message.replay);
    if (this.ended) return;
    onRole(message.inWorker ? 'worker' : this.candidate.hostId === message.host ? 'leader' : 'follower');
    onState(message.state);
  }

  private take(message: HostMessage): void {
    this.seq = message.seq;
    if (message.kind === 'welcome' || message.kind === 'claim') return;
    if (message.kind === 'state') {
      this.options.onState(message.state);
    } else if (message.kind === 'refused') {
      if (this.options.progress.remove(message.channel))
        this.options.onRefused(message.channel, message.reason);
    } else {
      this.deliver(message.events);
      this.options.progress.reach(message.position, message.upTo, message.covered);
    }
  }

  private deliver(events: Extract<HostMessage, { kind: 'events' }>['events']): void {
    for (const event of events) {
      if (this.ended) return;
      const { everyone: _, ...received } = event;
      if (this.options.progress.accept(event)) this.options.onEvent(received);
    }
  }
}
