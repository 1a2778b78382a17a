import type { CreateWorker } from './worker-link.js';

/**
 * Where the stream of a tab is: in a SharedWorker, in this tab, in another tab; or the tab has a stream of its own, since the browser
 * cannot share one.
 */
export type ShareRole = 'worker' | 'leader' | 'follower' | 'alone';

/** Options of `shareTabs()`. */
export interface ShareOptions {
  /**
   * Tabs with the same key have one stream: the user's id, or a hash of the session. Never the same for two users: the second would
   * receive the events of the first.
   */
  readonly key: string;
  /**
   * Makes the SharedWorker, or `false` for none: then a tab has the stream. Default: that of the entry. `/share` has the script of
   * this package as a module, by a URL that bundlers find; `/share/inlined` has it inside of the bundle.
   */
  readonly worker?: CreateWorker | false | undefined;
  /** Receives where the stream is, at first and at each change. */
  readonly onRole?: ((role: ShareRole) => void) | undefined;
  /**
   * ms within which the tab or worker that has the stream answers. One that does not is stuck or frozen, and loses the stream to another.
   * Default: 1,000.
   */
  readonly leaderTimeout?: number | undefined;
}
