import { listen } from '../connection/listen.js';
import { isPrerendering } from '../connection/page-events.js';

export interface LifecycleListener {
  /** The page is closed, or kept for a return: whatever it holds would keep it out of the back/forward cache. */
  leave(): void;
  /** The page is back, or shown for the first time after it was prerendered. */
  comeBack(): void;
  /** The browser stops the page's timers and messages. */
  freeze(): void;
  thaw(): void;
}

/**
 * Workers and Node have no such events.
 *
 * @returns a function that removes all listeners
 */
export function watchLifecycle(listener: LifecycleListener): () => void {
  const scope = globalThis as Partial<typeof globalThis>;
  const page = scope.document;
  if (!page) return () => undefined;
  const comeBack = () => isPrerendering() || listener.comeBack();
  const ends = [
    listen(scope, 'pagehide', () => listener.leave()),
    listen(scope, 'pageshow', comeBack),
    listen(page, 'prerenderingchange', comeBack),
    // https://wicg.github.io/page-lifecycle/
    listen(page, 'freeze', () => listener.freeze()),
    listen(page, 'resume', () => listener.thaw()),
  ];
  return () => ends.forEach((end) => end());
}
