import type { ConnectionState } from '../connection/connection-state.js';
import { isPrerendering } from '../connection/page-events.js';
import { writeLog } from '../connection/write-log.js';
import type { StreamOptions } from '../stream/channel-changes.js';
import type { CloseOptions, EventStream, EventStreamListener } from '../stream/event-stream.interface.js';
import { LocalStream } from '../stream/local-stream.js';
import { InvalidShareOptionsError } from './invalid-share-options.error.js';
import { watchLifecycle } from './page-lifecycle.js';
import type { ShareOptions, ShareRole } from './share-options.js';
import { shareNames } from './share-names.js';
import { logOut, watchLogOut } from './log-out.js';
import { TabProgress } from './tab-progress.js';
import { TabSession } from './tab-session.js';
import { urlKey, WorkerLink, type CreateWorker } from './worker-link.js';

const IGNORED: EventStreamListener = { onEvent() {}, onState() {}, onRefused() {} };
const LEADER_TIMEOUT = 1_000;

/**
 * A stream that all tabs of the browser share. Each tab receives each event of its channels once, in order, whichever tab or worker has
 * the stream.
 */
export class SharedStream implements EventStream {
  /** Receives what comes. Set it before `start()`. */
  listener: EventStreamListener = IGNORED;
  private current: ConnectionState = { status: 'connecting', attempt: 1 };
  private currentRole: ShareRole | undefined;
  private readonly progress: TabProgress;
  private readonly types = new Set<string>();
  private session: TabSession | undefined;
  private own: LocalStream | undefined;
  private unwatch: (() => void) | undefined;

  /**
   * @param defaultWorker where the options name no worker. An entry brings its own, so that a bundle has no other
   * @throws InvalidClientOptionsError @throws InvalidShareOptionsError
   */
  constructor(
    private readonly options: StreamOptions,
    private readonly share: ShareOptions,
    private readonly defaultWorker: CreateWorker | false = false,
  ) {
    checkShareOptions(share);
    // A stream that is never started checks the options, and throws here, not in a worker.
    void new LocalStream(options);
    this.progress = new TabProgress(options.lastEventId);
  }

  /** What is known of the connection. Each change is a new object. */
  get state(): ConnectionState {
    return this.current;
  }

  get lastEventId(): string | undefined {
    return this.own ? this.own.lastEventId : (this.progress.from ?? undefined);
  }

  /** Where the stream is; undefined before that is known. */
  get role(): ShareRole | undefined {
    return this.currentRole;
  }

  start(): void {
    if (this.unwatch || this.own || this.current.status === 'stopped') return;
    const missing = missingApi();
    if (missing !== undefined) {
      this.startAlone(`there is no ${missing}`);
      return;
    }
    this.unwatch = watchLifecycle({
      leave: () => this.endSession(),
      comeBack: () => this.begin(),
      freeze: () => this.session?.freeze(),
      thaw: () => this.session?.stand(),
    });
    // Until then Chromium holds back worker, locks and messages, and the worker would seem not to load.
    if (!isPrerendering()) this.begin();
  }

  add(channel: string, after?: string): void {
    if (this.own) this.own.add(channel, after);
    else if (this.progress.add(channel, after)) this.session?.change([[channel, after ?? null]], []);
  }

  remove(channel: string): void {
    if (this.own) this.own.remove(channel);
    else if (this.progress.remove(channel)) this.session?.change([], [channel]);
  }

  listen(type: string): void {
    if (this.types.has(type)) return;
    this.types.add(type);
    if (this.own) this.own.listen(type);
    else this.session?.change([], [], [type]);
  }

  reconnect(): void {
    if (this.own) this.own.reconnect();
    else this.session?.reconnect();
  }

  /**
   * Leaves the stream for good.
   *
   * @param options `everywhere`: ends the stream in all tabs with this key, since the user logs out
   */
  close({ everywhere = false }: CloseOptions = {}): void {
    if (everywhere) logOut(this.share.key);
    this.setState({ status: 'stopped', reason: 'closed', detail: undefined });
  }

  private begin(): void {
    if (this.session) return;
    try {
      this.session = this.createSession();
      this.session.start();
    } catch (error) {
      this.deny(error);
    }
  }

  /** A frame in a sandbox, or a user who blocks cookies: some browsers then throw, and some reject. */
  private deny(error: unknown): void {
    this.unwatch?.();
    this.endSession();
    this.startAlone('the browser denies it Web Locks, or BroadcastChannel', error);
  }

  private createSession(): TabSession {
    const { options, share, progress, types } = this;
    const create = share.worker ?? this.defaultWorker;
    // A worker cannot call a fetch of the page's.
    const usesWorker = create !== false && options.fetch === undefined && typeof SharedWorker !== 'undefined';
    const link = new WorkerLink(share.key, options, (error) => {
      if (error !== undefined) this.log('The SharedWorker did not load: a tab has the stream.', error);
      session.stand();
    });
    const session = new TabSession({
      locks: navigator.locks,
      names: shareNames(share.key, urlKey(options)),
      open: (lastEventId) => new LocalStream(this.toHosted(lastEventId)),
      progress,
      types,
      leaderTimeout: share.leaderTimeout ?? LEADER_TIMEOUT,
      worker: usesWorker ? { link, create } : undefined,
      onEvent: (event) => this.guard(() => this.listener.onEvent(event)),
      onState: (state) => this.setState(state),
      onRefused: (channel, reason) => this.guard(() => this.listener.onRefused(channel, reason)),
      onRole: (role) => this.setRole(role),
      onDenied: (error) => this.deny(error),
    });
    return session;
  }

  private endSession(): void {
    const { session } = this;
    this.session = undefined;
    session?.end();
  }

  private startAlone(why: string, error?: unknown): void {
    this.log(`This page has a stream of its own: ${why}.`, error);
    const own = new LocalStream(this.options);
    this.own = own;
    own.listener = {
      onEvent: (event) => this.listener.onEvent(event),
      onState: (state) => this.setState(state),
      onRefused: (channel, reason) => this.listener.onRefused(channel, reason),
    };
    this.unwatch = watchLogOut(this.share.key, () => this.close());
    this.setRole('alone');
    for (const type of this.types) own.listen(type);
    own.start();
    for (const [channel, after] of this.progress.wants) own.add(channel, after ?? undefined);
  }

  /** The stream is that of all tabs: whether this page is hidden does not matter. */
  private toHosted(lastEventId: string | undefined): StreamOptions {
    const { lastEventId: _, closeWhenHidden: __, ...options } = this.options;
    return { ...options, ...(lastEventId !== undefined && { lastEventId }) };
  }

  private setState(state: ConnectionState): void {
    if (this.current.status === 'stopped') return;
    this.current = state;
    if (state.status === 'stopped') {
      this.unwatch?.();
      this.endSession();
      this.own?.close();
    }
    this.guard(() => this.listener.onState(state));
  }

  private setRole(role: ShareRole): void {
    if (role === this.currentRole) return;
    this.currentRole = role;
    this.guard(() => this.share.onRole?.(role));
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      writeLog(this.options.log, { level: 'error', message: 'A listener has thrown.', error });
    }
  }

  private log(message: string, error?: unknown): void {
    writeLog(this.options.log, { level: 'warn', message, error });
  }
}

function checkShareOptions({ key, worker, leaderTimeout }: ShareOptions): void {
  if (typeof key !== 'string' || key === '')
    throw new InvalidShareOptionsError(
      'key',
      'a text that no other user has, such as the id of the user',
      key,
    );
  if (worker !== undefined && worker !== false && typeof worker !== 'function')
    throw new InvalidShareOptionsError('worker', 'a function that returns a SharedWorker, or false', worker);
  if (leaderTimeout !== undefined && !(leaderTimeout >= 100 && leaderTimeout <= 60_000))
    throw new InvalidShareOptionsError('leaderTimeout', 'milliseconds, from 100 to 60,000', leaderTimeout);
}

/** @returns what the browser lacks; Web Locks are for secure pages alone (https://w3c.github.io/web-locks/) */
function missingApi(): string | undefined {
  if (typeof BroadcastChannel === 'undefined') return 'BroadcastChannel';
  const { locks } = (globalThis.navigator ?? {}) as { locks?: LockManager };
  return locks ? undefined : 'navigator.locks (Web Locks), which takes HTTPS or localhost';
}
