import { writeLog } from '../connection/write-log.js';
import type { StreamOptions } from '../stream/channel-changes.js';
import type { ShareNames } from './share-names.js';
import { ASKED, type Asked, type FromWorker, type ToWorker } from './worker-protocol.js';

/** Makes the SharedWorker. All tabs have to make it with the same script and the same name. */
export type CreateWorker = (name: string) => SharedWorker;

/** ms within which the script is loaded. A tab takes the stream meanwhile, or for good. */
const LOADING = 5_000;

/** A tab's connection to the SharedWorker. */
export class WorkerLink {
  private worker: SharedWorker | undefined;
  private port: MessagePort | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onSettled the worker stands for election; with an error: it does not, or not yet */
  constructor(
    private readonly key: string,
    private readonly options: StreamOptions,
    private readonly onSettled: (error?: unknown) => void,
  ) {}

  open(create: CreateWorker, names: ShareNames): void {
    const fail = (error: unknown) => {
      clearTimeout(this.timer);
      this.onSettled(error);
    };
    try {
      const worker = (this.worker = create(names.channel));
      // A Content-Security-Policy without it in worker-src, a script that is not there, a syntax error.
      worker.onerror = (event) => fail(event);
      this.port = worker.port;
      this.timer = setTimeout(() => fail(new Error('The worker did not load in time.')), LOADING);
      worker.port.onmessage = ({ data }: MessageEvent<FromWorker>) => this.receive(data);
      this.send({ kind: 'start', key: this.key, url: urlKey(this.options), ...toClonable(this.options) });
    } catch (error) {
      fail(error);
    }
  }

  close(): void {
    clearTimeout(this.timer);
    // Its script may fail to load later: nobody waits for it any more.
    if (this.worker) this.worker.onerror = null;
    this.send({ kind: 'leave' });
    this.port?.close();
    this.port = undefined;
  }

  private receive(message: FromWorker): void {
    if (message.kind === 'ready') {
      clearTimeout(this.timer);
      this.onSettled();
    } else if (message.kind === 'log') {
      writeLog(this.options.log, message.entry);
    } else {
      void this.answer(message.id, message.option, message.refresh);
    }
  }

  private async answer(id: number, option: Asked, refresh: boolean): Promise<void> {
    try {
      this.send({ kind: 'answer', id, value: await evaluate(this.options, option, refresh) });
    } catch (error) {
      this.send({ kind: 'answer', id, error: String(error) });
    }
  }

  private send(message: ToWorker): void {
    this.port?.postMessage(message);
  }
}

/** What tells streams of one key apart: the absolute URL, or nothing where a function returns it. */
export function urlKey({ url }: StreamOptions): string {
  return typeof url === 'function' ? '' : absolute(url);
}

/** Options for a worker, whose own URL is another base than the page's. */
function toClonable(options: StreamOptions): { options: Partial<StreamOptions>; asks: Asked[] } {
  const asks = ASKED.filter((name) => typeof options[name] === 'function');
  const { url, controlUrl, headers, transport, credentials, heartbeatTimeout, backoff, lastEventId } =
    options;
  const isAsked = (name: Asked) => asks.includes(name);
  return {
    asks,
    options: {
      ...(!isAsked('url') && { url: absolute(url as string | URL) }),
      ...(controlUrl !== undefined &&
        !isAsked('controlUrl') && { controlUrl: absolute(controlUrl as string | URL) }),
      ...(headers !== undefined &&
        !isAsked('headers') && { headers: toEntries(headers as HeadersInit) as [string, string][] }),
      ...Object.fromEntries(
        Object.entries({ transport, credentials, heartbeatTimeout, backoff, lastEventId }).filter(
          ([, value]) => value !== undefined,
        ),
      ),
    },
  };
}

async function evaluate(options: StreamOptions, option: Asked, refresh: boolean): Promise<unknown> {
  if (option === 'token') return options.token?.({ refresh });
  const value = options[option];
  const result = typeof value === 'function' ? await value() : value;
  if (option === 'headers') return toEntries((result ?? {}) as HeadersInit);
  return absolute(result as string | URL);
}

function toEntries(headers: HeadersInit): string[][] {
  return [...new Headers(headers)];
}

function absolute(url: string | URL): string {
  const { document, location } = globalThis as {
    document?: { baseURI: string };
    location?: { href: string };
  };
  // The client may live in a dedicated worker.
  return new URL(url, document?.baseURI ?? location?.href).href;
}
