import { listen } from './listen.js';

/** What the page, or the worker, in which a connection lives wants of it. */
export interface PageListener {
  /** The page is left, or has been hidden for as long as the application allows. */
  suspend(): void;
  /** The page is back. */
  resume(): void;
  /** The page is shown or thawed: now is a good moment to connect. */
  wake(): void;
  online(): void;
  offline(): void;
}

/**
 * Node and React Native have no such events, and workers have `online` and `offline` alone.
 *
 * @param closeWhenHidden ms
 * @returns a function that removes all listeners
 */
export function watchPage(listener: PageListener, closeWhenHidden: number | false = false): () => void {
  const scope = globalThis as Partial<typeof globalThis>;
  const page = scope.document;
  const ends: (() => void)[] = [];
  const on = (...to: Parameters<typeof listen>) => ends.push(listen(...to));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (page?.visibilityState !== 'hidden') listener.resume();
    else if (closeWhenHidden !== false) timer = setTimeout(() => listener.suspend(), closeWhenHidden);
  };

  const comeBack = () => {
    if (isPrerendering()) return;
    listener.resume();
    look();
  };

  on(scope, 'online', () => listener.online());
  on(scope, 'offline', () => listener.offline());
  if (page) {
    // An open stream keeps a page out of the back/forward cache of some browsers.
    on(scope, 'pagehide', () => listener.suspend());
    on(scope, 'pageshow', comeBack);
    on(page, 'prerenderingchange', comeBack);
    // Page Lifecycle: the browser had frozen the page.
    on(page, 'resume', () => listener.wake());
    on(page, 'visibilitychange', look);
    if (page.visibilityState === 'hidden') look();
  }
  return () => {
    clearTimeout(timer);
    for (const end of ends) end();
  };
}

/** The browser makes the page before somebody opens it (speculation rules of Chromium), and may never show it. */
export function isPrerendering(): boolean {
  return (globalThis as { document?: { prerendering?: boolean } }).document?.prerendering === true;
}

/** False where it cannot be told. */
export function isOffline(): boolean {
  return (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false;
}
