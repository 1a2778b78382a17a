/** Why the client waits before its next attempt. */
export type WaitReason =
  /** The connection could not be made, or broke. */
  | 'network'
  /** The server, or a proxy, answered a status that may pass, or something that is no event stream. */
  | 'http'
  /** The stream ended without an `end` event: a hand-over, a proxy, a crash. */
  | 'ended'
  /** Nothing came for longer than two heartbeats. */
  | 'silent'
  /** The hub refused the stream for now, by an `error` event with a code. */
  | 'refused'
  /** The token could not be had. */
  | 'token'
  /** The page is hidden, and `closeWhenHidden` is set. */
  | 'hidden';

/** Why the client will not connect again. */
export type StopReason =
  /** `close()` was called. */
  | 'closed'
  /** The server ended the stream for good, by an `end` event. */
  | 'ended'
  /** The server answered 204: there is nothing to stream. */
  | 'no-content'
  /** 401, also with a fresh token; or `authorize` refused. */
  | 'unauthorized'
  /** 403, or the hub's `FORBIDDEN`. */
  | 'forbidden'
  /** Another status that does not pass by itself, such as 404. */
  | 'http';

/** What the client knows of its connection. Each change is a new object. */
export type ConnectionState =
  | { readonly status: 'connecting'; readonly attempt: number }
  | {
      readonly status: 'open';
      /** ms since the epoch. */ readonly since: number;
    }
  | {
      readonly status: 'waiting';
      readonly reason: WaitReason;
      /** The status of the answer, or the code of the hub's `error` event. */
      readonly detail: number | string | undefined;
      /** When the next attempt begins, ms since the epoch; undefined where it waits for the page to be shown. */
      readonly until: number | undefined;
      readonly attempt: number;
    }
  | {
      readonly status: 'stopped';
      readonly reason: StopReason;
      readonly detail: number | string | undefined;
    };
