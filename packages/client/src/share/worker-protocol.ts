import type { ClientLogEntry } from '../connection/connection-options.js';
import type { StreamOptions } from '../stream/channel-changes.js';

/** Options that can be functions: a worker asks a tab for their results. */
export const ASKED = ['url', 'controlUrl', 'headers', 'token'] as const;
export type Asked = (typeof ASKED)[number];

/** What a tab sends a worker over its port. Tokens go this way alone: the BroadcastChannel is open to all scripts of the origin. */
export type ToWorker =
  | {
      readonly kind: 'start';
      readonly key: string;
      readonly url: string;
      /** Those that can be cloned. */
      readonly options: Partial<StreamOptions>;
      readonly asks: readonly Asked[];
    }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly kind: 'leave' };

export type FromWorker =
  /** It stands for election. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'ask'; readonly id: number; readonly option: Asked; readonly refresh: boolean }
  | { readonly kind: 'log'; readonly entry: ClientLogEntry };
