import { watchLifecycle } from './page-lifecycle.js';
import { logOutName } from './share-names.js';

/** The same in all releases: a user logs out of tabs that were opened before an update, too. */
const MESSAGE = 'log-out';

/** The streams of this page that share nothing: the browser may deny the page its channels. */
const alone = new Set<{ readonly key: string; readonly onLogOut: () => void }>();

/** Hears that a user logs out. */
export class LogOutSignal {
  private readonly channel: BroadcastChannel;

  /** @throws DOMException where the browser denies the page its channels */
  constructor(name: string, onLogOut: () => void) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => {
      if (data === MESSAGE) onLogOut();
    };
    (this.channel as { unref?: () => void }).unref?.();
  }

  close(): void {
    this.channel.onmessage = null;
    this.channel.close();
  }
}

/**
 * Hears it for a page that shares nothing. An open channel could keep the page out of the back/forward cache, and is closed when the page is left.
 *
 * @returns a function that ends it
 */
export function watchLogOut(key: string, onLogOut: () => void): () => void {
  let signal: LogOutSignal | undefined;
  const leave = () => {
    signal?.close();
    signal = undefined;
  };
  const comeBack = () => {
    if (typeof BroadcastChannel === 'undefined') return;
    try {
      signal ??= new LogOutSignal(logOutName(key), onLogOut);
    } catch {
      // The browser denies the page its channels: the log says that it is alone.
    }
  };
  const own = { key, onLogOut };
  const nothing = () => undefined;
  const unwatch = watchLifecycle({ leave, comeBack, freeze: nothing, thaw: nothing });
  comeBack();
  alone.add(own);
  return () => {
    alone.delete(own);
    unwatch();
    leave();
  };
}

/**
 * Ends the streams of a user in all tabs of this browser: each is `stopped`, with the reason `closed`.
 *
 * Where the browser has no channels between tabs, or denies them, this page's streams end alone. A tab that the browser has frozen ends when it is thawed. Where its stream has to end at once, end it at the server: `hub.disconnect({ user })`.
 *
 * @param key as for `shareTabs()`
 * @example
 * ```ts
 * await fetch('/log-out', { method: 'POST' });
 * logOut(user.id);
 * ```
 */
export function logOut(key: string): void {
  for (const stream of [...alone]) if (stream.key === key) stream.onLogOut();
  if (typeof BroadcastChannel === 'undefined') return;
  try {
    const channel = new BroadcastChannel(logOutName(key));
    channel.postMessage(MESSAGE);
    channel.close();
  } catch {
    // The browser denies the page its channels, and so does it to other tabs: none of them could hear it.
  }
}
