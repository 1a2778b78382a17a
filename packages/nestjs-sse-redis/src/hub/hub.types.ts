export type { ConnectOptions, StartFrom, StartOfChannel } from '../clients/connect-options.interface.js';
export type { PublishOptions } from '../publish/publish.types.js';

/** Options of `hub.events()`. */
export interface EventsOptions {
  /**
   * Begin after this event id, instead of at now, or at the `'start'` of what is retained. Events between that are no longer retained come
   * as one `gap` event.
   */
  readonly after?: string;
  /** Begin with this many of the last events. At most 1,000. */
  readonly rewind?: number;
}

/** The answer of `hub.readiness()`. */
export interface Readiness {
  readonly ready: boolean;
  /** The reasons against it. */
  readonly problems: readonly string[];
}
