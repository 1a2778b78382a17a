import { WORKER_SCRIPT } from './worker-script.js';

/** Of this page. It is never revoked: a browser may read it after the call that makes the worker. */
let url: string | undefined;

/**
 * The worker of this package, of a text that is a part of the bundle. Each tab has one of its own, since no other tab knows its URL.
 *
 * A `data:` URL would have an opaque origin (https://html.spec.whatwg.org/multipage/workers.html#dom-sharedworker), and so no lock in
 * common with the page.
 */
export function createInlinedWorker(name: string): SharedWorker {
  url ??= URL.createObjectURL(new Blob([WORKER_SCRIPT], { type: 'text/javascript' }));
  return new SharedWorker(url, { name });
}
