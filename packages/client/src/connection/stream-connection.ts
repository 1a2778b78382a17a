import { Backoff } from './backoff.js';
import type { ConnectionListener } from './connection-listener.js';
import { checkConnectionOptions, type ConnectionOptions } from './connection-options.js';
import type { ConnectionState, StopReason } from './connection-state.js';
import { HUB_TYPES } from './hub-events.js';
import { isOffline, isPrerendering, watchPage } from './page-events.js';
import { StreamAttempt, type AttemptOwner } from './stream-attempt.js';
import { toRequest } from './to-request.js';
import { chooseTransport } from './transport/choose-transport.js';
import type { StreamRequest } from './transport/transport.js';
import { judge, type AttemptResult, type Verdict } from './verdict.js';
import { Watchdog } from './watchdog.js';
import { logFailure, writeLog } from './write-log.js';

/** ms between two attempts, however often the page is shown and hidden. */
const WAKE_PAUSE = 1_000;

type Waiting = Extract<ConnectionState, { status: 'waiting' }>;
type Cause = Pick<Waiting, 'reason'> & Partial<Pick<Waiting, 'detail'>>;

/**
 * One stream at a time of one URL, for as long as the server has one to give.
 *
 * @example
 * ```ts
 * const connection = new StreamConnection({ url: '/events' }, { onEvent: console.log, onControl() {}, onState() {} });
 * connection.start();
 * ```
 */
export class StreamConnection {
  /** @internal Vue makes no proxy of it (`markRaw()`): what begins by a proxy does not know itself again later. */
  readonly __v_skip = true;
  private current: ConnectionState = { status: 'connecting', attempt: 0 };
  private readonly owner: AttemptOwner;
  private readonly backoff: Backoff;
  private readonly watchdog: Watchdog;
  private readonly types = new Set(HUB_TYPES);
  private attempt: StreamAttempt | undefined;
  /** Since a stream was last open. */
  private attempts = 0;
  private attemptedAt = 0;
  private openedAt = 0;
  private offlineAt = 0;
  /** Before this, the server does not want to be asked. */
  private notBefore = 0;
  /** Why the client waits, or waited before the page was hidden. */
  private cause!: Cause;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private unwatch: (() => void) | undefined;
  /** From where the present attempt goes on. */
  private from = '';
  /** The next attempt needs a fresh token. */
  private refresh = false;
  /** The token of this attempt is fresh, and has not been accepted yet. */
  private refreshed = false;

  /** @throws InvalidClientOptionsError */
  constructor(
    private readonly options: ConnectionOptions,
    private readonly listener: ConnectionListener,
  ) {
    checkConnectionOptions(options);
    this.backoff = new Backoff(options.backoff);
    this.watchdog = new Watchdog(options.heartbeatTimeout, () => this.onFinished({ type: 'silent' }));
    this.owner = this.createOwner();
  }

  /** What is known of the connection. Each change is a new object. */
  get state(): ConnectionState {
    return this.current;
  }

  /** From where the next stream goes on; empty where nothing is known yet. */
  get lastEventId(): string {
    return this.owner.lastEventId;
  }

  /** For one who knows more of an event than its id says. */
  set lastEventId(id: string) {
    this.owner.lastEventId = id;
  }

  /** Connects, once the page is shown if it is being prerendered. A second call does nothing. */
  start(): void {
    if (this.unwatch || this.isStopped) return;
    this.unwatch = watchPage(
      {
        suspend: () => this.suspend(),
        resume: () => this.resume(),
        wake: () => this.wake(),
        online: () => this.online(),
        offline: () => this.offline(),
      },
      this.options.closeWhenHidden,
    );
    if (isPrerendering()) this.suspend();
    else this.connect();
  }

  /** `event-source` gives out events of this type from now on. Other transports give out all. */
  listen(type: string): void {
    if (this.types.has(type)) return;
    this.types.add(type);
    this.attempt?.listen(type);
  }

  /** Ends the attempt or the wait that is going on, and connects at once. */
  reconnect(): void {
    if (this.unwatch && !this.isStopped) this.connect();
  }

  /** For good. */
  close(): void {
    this.stop('closed');
  }

  private get isStopped(): boolean {
    return this.current.status === 'stopped';
  }

  private connect(): void {
    this.release();
    const attempt = new StreamAttempt(this.owner);
    this.attempt = attempt;
    this.from = this.lastEventId;
    this.attemptedAt = Date.now();
    this.setState({ status: 'connecting', attempt: ++this.attempts });
    // A listener may have closed the connection.
    if (this.attempt !== attempt) return;
    const { transport, fetch } = this.options;
    void attempt.begin(
      () => this.prepare(attempt),
      () => chooseTransport(transport, fetch !== undefined),
    );
  }

  private async prepare(attempt: StreamAttempt): Promise<StreamRequest> {
    const { refresh } = this;
    const request = await toRequest(this.options, this.lastEventId, refresh, this.types);
    // An attempt that was given up meanwhile says nothing of the token of the next one.
    if (this.attempt !== attempt) return request;
    if (refresh) this.refresh = false;
    // Of this attempt: where the server was away when a fresh token came, that may have run out before the next one.
    this.refreshed = refresh;
    // Not before: a token may have to wait for a user.
    this.watchdog.start();
    return request;
  }

  /** Ends what goes on: the stream, and the wait. */
  private release(): void {
    this.attempt?.close();
    this.attempt = undefined;
    this.watchdog.stop();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private createOwner(): AttemptOwner {
    const { watchdog, backoff } = this;
    /** The ids of the newest streams that the server has begun. */
    let begun: string[] = [];
    return {
      watchdog,
      backoff,
      lastEventId: this.options.lastEventId ?? '',
      onOpen: () => {
        this.attempts = 0;
        this.openedAt = Date.now();
        watchdog.touch();
        this.setState({ status: 'open', since: this.openedAt });
      },
      onAccepted: () => (this.refreshed = false),
      onControl: (control) => {
        // A cache, such as that of a service worker, gives what it has kept of a stream of before.
        if (begun.includes(control.connection)) {
          this.lastEventId = this.from;
          return this.onFinished({ type: 'content-type' });
        }
        begun = [control.connection, ...begun.slice(0, 100)];
        watchdog.setHeartbeat(control.heartbeat);
        this.guard(() => this.listener.onControl(control));
      },
      onChange: (notice) => this.guard(() => this.listener.onChange?.(notice)),
      onEvent: (event) => this.guard(() => this.listener.onEvent(event)),
      onWhole: this.listener.onWhole,
      onFinished: (result) => this.onFinished(result),
    };
  }

  private onFinished(result: AttemptResult): void {
    const canRefresh = this.options.token !== undefined && !this.refreshed;
    const until = result.type === 'silent' ? this.watchdog.lastActivityAt : Date.now();
    const wasStable = this.current.status === 'open' && until - this.openedAt >= this.backoff.stableAfter;
    this.release();
    if (wasStable) this.backoff.failures = 0;
    this.follow(judge(result, canRefresh), (result as { readonly error?: unknown }).error);
  }

  private follow(verdict: Verdict, error: unknown): void {
    this.refresh ||= !!verdict.refresh;
    if ('again' in verdict) return this.connect();
    if ('stop' in verdict) this.stop(verdict.stop, verdict.detail);
    else {
      const { wait: reason, detail, pace, atLeast = 0 } = verdict;
      const now = Date.now();
      const delay = Math.max(this.backoff.next(pace), atLeast);
      this.notBefore = now + atLeast;
      this.cause = { reason, detail };
      this.waitUntil(now + delay);
    }
    // Last: the application's log may close the client.
    logFailure(this.options.log, verdict, this.openedAt ? 0 : this.attempts, error);
  }

  private waitUntil(time: number): void {
    // An attempt without a network fails at once. Browsers err about that, too: from time to time it is tried all the same.
    const until = isOffline() ? Math.max(time, Date.now() + this.backoff.max) : time;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), until - Date.now());
    this.setWaiting(this.cause, until);
  }

  private setWaiting(cause: Cause, until?: number): void {
    this.setState({ status: 'waiting', ...cause, until, attempt: this.attempts + 1 } as Waiting);
  }

  private suspend(): void {
    if (this.isStopped) return;
    this.release();
    this.setWaiting({ reason: 'hidden' });
  }

  private resume(): void {
    const now = Date.now();
    if (!this.isSuspended) this.wake();
    else if (this.notBefore > now && this.attemptedAt <= now) this.waitUntil(this.notBefore);
    else this.connect();
  }

  private get isSuspended(): boolean {
    return this.current.status === 'waiting' && this.timer === undefined;
  }

  private wake(): void {
    const state = this.current;
    if (state.status === 'open') this.watchdog.suspect((last) => Date.now() - last > this.watchdog.heartbeat);
    if (state.status !== 'waiting' || this.isSuspended) return;
    const now = Date.now();
    const earliest = Math.max(this.notBefore, this.attemptedAt + WAKE_PAUSE);
    // A clock that was set back by an hour makes these times lie an hour ahead.
    if (earliest <= now || this.attemptedAt > now) this.connect();
    else if (earliest < state.until!) this.waitUntil(earliest);
  }

  private online(): void {
    const { offlineAt } = this;
    const { status } = this.current;
    this.offlineAt = 0;
    // No event says which connections outlived the change of the network. One that brings something has.
    if (status === 'open' && offlineAt > 0) this.watchdog.suspect((last) => last < offlineAt);
    else if (status === 'connecting' && this.attemptedAt + WAKE_PAUSE < Date.now()) this.connect();
    else this.wake();
  }

  private offline(): void {
    this.offlineAt = Date.now();
    const state = this.current;
    if (state.status === 'waiting' && !this.isSuspended) this.waitUntil(state.until!);
  }

  private stop(reason: StopReason, detail?: number | string): void {
    if (this.isStopped) return;
    this.release();
    this.unwatch?.();
    this.setState({ status: 'stopped', reason, detail });
  }

  private setState(state: ConnectionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.current)) return;
    this.current = state;
    this.guard(() => this.listener.onState(state));
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      writeLog(this.options.log, { level: 'error', message: 'A listener has thrown.', error });
    }
  }
}
