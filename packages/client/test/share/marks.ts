import { Candidate } from '../../src/share/candidate.js';
import { Election } from '../../src/share/election.js';
import { StreamHost } from '../../src/share/stream-host.js';
import { LocalStream } from '../../src/stream/local-stream.js';
import type { Span } from './waits.js';

/** A moment of a switch, in the page that takes the stream. */
export interface Mark {
  readonly name: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** ms between two pulses. */
const PULSE = 50;

export const marks: Mark[] = [];
/** Times in which the page's thread did not run. */
export const standstills: Span[] = [];

/** Ordinary requests of a page. */
export const requests: Span[] = [];

function markCalls(prototype: object, method: string, nameOf: (argument: unknown) => string): void {
  const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[method]!;
  methods[method] = function (this: unknown, ...args) {
    marks.push({ name: nameOf(args[0]), at: Date.now() });
    return original.apply(this, args);
  };
}

/** From a worker, since browsers run the timers of background tabs once a second. */
function watchThread(): void {
  const script = `setInterval(() => postMessage(0), ${PULSE})`;
  const worker = new Worker(URL.createObjectURL(new Blob([script])));
  let last = Date.now();
  worker.onmessage = () => {
    const now = Date.now();
    if (now - last > 4 * PULSE) standstills.push([last, now]);
    last = now;
  };
}

/** Notes what the parts of a switch take. */
export function watchSwitches(): void {
  markCalls(Election.prototype, 'succeed', () => 'silent');
  markCalls(Candidate.prototype, 'lead', () => 'elected');
  markCalls(StreamHost.prototype, 'begin', () => 'joined');
  markCalls(LocalStream.prototype, 'onState', (state) => (state as { status: string }).status);
  markCalls(LocalStream.prototype, 'onControl', () => 'control');
  markCalls(LocalStream.prototype, 'onChange', () => 'placed');
  watchThread();
}

/** Makes one ordinary request after the other, to see what the browser makes of them. */
export async function watchRequests(): Promise<void> {
  for (;;) {
    const from = Date.now();
    await fetch('/ordinary');
    requests.push([from, Date.now()]);
    await new Promise((resolve) => setTimeout(resolve, PULSE));
  }
}
