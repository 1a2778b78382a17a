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
  const scope = globalThis as { document?: EventTarget; addEventListener?: EventTarget['addEventListener'] };
  const controller = new AbortController();
  const { signal } = controller;
  if (scope.document && scope.addEventListener) {
    scope.addEventListener('pagehide', () => listener.leave(), { signal });
    const comeBack = () => isPrerendering() || listener.comeBack();
    scope.addEventListener('pageshow', comeBack, { signal });
    scope.document.addEventListener('prerenderingchange', comeBack, { signal });
    // https://wicg.github.io/page-lifecycle/
    scope.document.addEventListener('freeze', () => listener.freeze(), { signal });
    scope.document.addEventListener('resume', () => listener.thaw(), { signal });
  }
  return () => controller.abort();
}
