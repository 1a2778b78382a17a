import type { Pace } from './backoff.js';
import type { StopReason, WaitReason } from './connection-state.js';
import type { TransportEnd } from './transport/transport.js';

/** How an attempt came to its end. */
export type AttemptResult =
  | {
      /** The body ended in order; the connection could not be made, or broke; the transport wants a new request. */
      readonly type: TransportEnd;
      readonly error?: unknown;
      /** The code of the hub's `error` event. */
      readonly refusal: string | undefined;
    }
  /** Any status but 200. `retryAfter` is in ms. */
  | { readonly type: 'status'; readonly status: number; readonly retryAfter: number }
  /** 200, but no event stream. */
  | { readonly type: 'content-type' }
  /** The token, a header or the URL could not be had. */
  | { readonly type: 'token'; readonly error: unknown }
  /** Nothing came for too long. */
  | { readonly type: 'silent' }
  /** The hub's final `end`. */
  | { readonly type: 'dismissed'; readonly refusal: string | undefined; readonly reason: string };

type Detail = number | string | undefined;

export type Verdict =
  | { readonly stop: StopReason; readonly detail?: Detail; readonly refresh?: never }
  /** The next attempt is a part of this one, and begins at once. */
  | { readonly again: true; readonly refresh?: boolean }
  | {
      readonly wait: WaitReason;
      readonly pace: Pace;
      readonly detail?: Detail;
      /** ms that the server asked for. */
      readonly atLeast?: number;
      /** The next attempt needs a fresh token. */
      readonly refresh?: boolean;
    };

/** Statuses that pass by themselves, besides those from 500 on: time-out, too early, too many requests. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

const REFRESH: Verdict = { again: true, refresh: true };

/** Says what follows on the end of an attempt. @param canRefresh there is a token, and it has not been refreshed since it was last good */
export function judge(result: AttemptResult, canRefresh: boolean): Verdict {
  switch (result.type) {
    case 'dismissed':
      return judgeDismissal(result.refusal, result.reason, canRefresh);
    case 'status':
      return judgeStatus(result.status, result.retryAfter, canRefresh);
    case 'content-type':
      return { wait: 'http', detail: 200, pace: 'grow' };
    case 'full':
      return { again: true };
    case 'silent':
      return { wait: 'silent', pace: 'now' };
    case 'token':
      return { wait: 'token', pace: 'grow' };
    case 'ended':
    case 'error':
      break;
  }
  return judgeLoss(result);
}

function judgeLoss({
  type,
  refusal,
}: {
  readonly type: string;
  readonly refusal: string | undefined;
}): Verdict {
  if (refusal !== undefined)
    return { wait: 'refused', detail: refusal, pace: 'told', refresh: refusal === 'EXPIRED' };
  return type === 'ended' ? { wait: 'ended', pace: 'told' } : { wait: 'network', pace: 'grow' };
}

function judgeStatus(status: number, retryAfter: number, canRefresh: boolean): Verdict {
  if (status === 204) return { stop: 'no-content' };
  if (status === 401) return canRefresh ? REFRESH : { stop: 'unauthorized', detail: status };
  if (status === 403) return { stop: 'forbidden', detail: status };
  if (status >= 500 || PASSING.has(status))
    return { wait: 'http', detail: status, pace: 'grow', atLeast: retryAfter };
  return { stop: 'http', detail: status };
}

/** `SseStreamFilter` says 401 and 403 in an `error` event, and repeats its code in the `end` (docs/codes.md). */
function judgeDismissal(refusal: string | undefined, reason: string, canRefresh: boolean): Verdict {
  if (refusal === 'UNAUTHORIZED' && reason === refusal)
    return canRefresh ? REFRESH : { stop: 'unauthorized', detail: refusal };
  // The hub's own reason after FORBIDDEN_CHANNEL, where `authorize` refused all channels (README, "The hub itself sends these events").
  const forbidden = refusal !== undefined && (reason === refusal || reason === 'forbidden');
  return forbidden ? { stop: 'forbidden', detail: refusal } : { stop: 'ended', detail: reason };
}
