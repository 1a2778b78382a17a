import { PROTOCOL } from './protocol.js';

/** The names under which the tabs of one origin meet. Tabs with another key or another URL have a stream of their own. */
export interface ShareNames {
  /** Of the BroadcastChannel, and of the SharedWorker. */
  readonly channel: string;
  /** The lock of the tab, or the worker, that has the stream. */
  readonly leader: string;
  /** Whoever takes the stream from a leader that does not answer holds this lock meanwhile. */
  readonly succession: string;
  /** Of the BroadcastChannel on which a user is logged out. */
  readonly logOut: string;
  /** The lock that a tab holds as long as it lives. */
  tab(id: string): string;
}

/** @param url of the stream; empty where a function returns it */
export function shareNames(key: string, url: string): ShareNames {
  const channel = `nestjs-sse-redis/${PROTOCOL}/${encodeURIComponent(key)}/${url}`;
  return {
    channel,
    leader: `${channel} leader`,
    succession: `${channel} succession`,
    logOut: logOutName(key),
    tab: (id) => `${channel} tab ${id}`,
  };
}

/** It names no protocol: a tab that was opened before an update is logged out, too. */
export function logOutName(key: string): string {
  return `nestjs-sse-redis/log-out/${encodeURIComponent(key)}`;
}
