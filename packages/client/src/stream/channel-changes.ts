import { Backoff } from '../connection/backoff.js';
import type { ControlNotice } from '../connection/connection-listener.js';
import type { ConnectionOptions, PerAttempt } from '../connection/connection-options.js';
import { toRequest } from '../connection/to-request.js';
import { SUSPICIOUS, writeLog } from '../connection/write-log.js';

/** Options of a stream whose channels change. */
export interface StreamOptions extends ConnectionOptions {
  /** Of `SseConnectionsController` at the server. Default: `/sse/connections` on the stream's origin. */
  readonly controlUrl?: PerAttempt<string | URL> | undefined;
}

/** What the server is asked to change. */
export interface Change {
  readonly change: number;
  readonly subscribe: string[];
  readonly unsubscribe: string[];
  readonly after: Record<string, string>;
}

/** How a change came out. */
export type ChangeOutcome =
  | { readonly refused: readonly string[]; readonly position?: string }
  /** The server will not do it, however often it is asked. */
  | { readonly status: number };

/** ms */
const TIMEOUT = 15_000;
/** Statuses that pass: the connection may be over, or about to be known. */
const PASSING: ReadonlySet<number> = new Set([404, 408, 425, 429]);

/** Sends changes of channels to the connections controller, one at a time. */
export class ChannelChanges {
  private readonly backoff: Backoff;
  private controller: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refresh = false;

  /** @param ready called when the next change may be sent */
  constructor(
    private readonly options: StreamOptions,
    private readonly ready: () => void,
  ) {
    this.backoff = new Backoff(options.backoff);
  }

  get isBusy(): boolean {
    return this.controller !== undefined || this.timer !== undefined;
  }

  /** Gives up the request that is on its way, and the wait for the next one. */
  reset(): void {
    this.controller?.abort();
    this.controller = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.backoff.failures = 0;
    this.refresh = false;
  }

  /** @param done called with the outcome, unless it is not known: then `ready` is called after a while */
  async send(
    { connection, secret }: ControlNotice,
    change: Change,
    done: (outcome: ChangeOutcome) => void,
  ): Promise<void> {
    const controller = (this.controller = new AbortController());
    const timeout = setTimeout(() => controller.abort(), TIMEOUT);
    let outcome: ChangeOutcome | undefined;
    try {
      outcome = await within(
        controller.signal,
        this.post(connection, { secret, ...change }, controller.signal),
      );
    } catch (error) {
      if (this.controller === controller)
        writeLog(this.options.log, {
          level: this.backoff.failures === SUSPICIOUS - 1 ? 'error' : 'warn',
          message: 'The channels could not be changed yet.',
          error,
        });
    }
    clearTimeout(timeout);
    if (this.controller !== controller) return;
    this.controller = undefined;
    if (outcome) {
      this.backoff.failures = 0;
      done(outcome);
      this.ready();
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.ready();
    }, this.backoff.next('grow'));
  }

  /** @returns undefined where a fresh token may help @throws what went wrong, and may pass */
  private async post(connection: string, body: object, signal: AbortSignal): Promise<ChangeOutcome> {
    const { controlUrl } = this.options;
    const { url, headers, credentials, fetch: given } = await toRequest(this.options, '', this.refresh, NONE);
    const base =
      typeof controlUrl === 'function'
        ? await controlUrl()
        : (controlUrl ?? `${/^(https?:)?\/\/[^/?#]+/i.exec(url)?.[0] ?? ''}/sse/connections`);
    headers.set('accept', 'application/json');
    headers.set('content-type', 'application/json');
    const response = await (given ?? fetch)(
      `${String(base).replace(/\/$/, '')}/${encodeURIComponent(connection)}/channels`,
      { method: 'POST', headers, body: JSON.stringify(body), signal, ...(credentials && { credentials }) },
    );
    const { status } = response;
    if (response.ok) {
      this.refresh = false;
      return readOutcome(await response.json());
    }
    // A body that nobody reads keeps its connection.
    void response.body?.cancel();
    if (status === 401 && this.options.token && !this.refresh) this.refresh = true;
    else if (status < 500 && !PASSING.has(status)) return { status };
    throw new Error(
      status === 404
        ? `POST ${base}/… answered 404. Where that stays so, SseConnectionsController is not among the server's controllers, or the option controlUrl is wrong.`
        : `POST ${base}/… answered ${status}.`,
    );
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Neither a token, nor a `fetch` of the application's, has to mind a signal. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('The request was given up.')));
    work.then(resolve, reject);
  });
}

/** @throws Error where something on the way made another answer of it */
function readOutcome(answer: unknown): ChangeOutcome {
  const outcome = answer as Extract<ChangeOutcome, { refused: unknown }> | null;
  if (Array.isArray(outcome?.refused)) return outcome;
  throw new Error(
    'That is no answer of SseConnectionsController, { refused }: an interceptor of the application, or a gateway, has changed it.',
  );
}
