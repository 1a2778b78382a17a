import type { Seen } from './watch-event-source.js';

/** A client at one moment. */
export interface ClientState {
  readonly seen: readonly Seen[];
  /** In words, because libraries number it or not. */
  readonly readyState: string;
}

/** Indexed by the `readyState` of the HTML standard. */
export const READY_STATES = ['connecting', 'open', 'closed'];

/** A stream that a client is to open. */
export interface StreamRequest {
  /** Without a slash at its end. */
  readonly origin: string;
  readonly channels: readonly string[];
  /** Tells clients of the same kind apart. */
  readonly fleet: string;
  /** Names of the clients that close at `end`. */
  readonly closeOnEnd: readonly string[];
}

/** @param client the name of the client, by which application processes report its requests */
export function urlOf({ origin, channels, fleet }: StreamRequest, client: string): string {
  const query = new URLSearchParams({ channels: channels.join(','), fleet, client });
  return `${origin}/streams?${query.toString()}`;
}

/** @returns the id of the event itself: what precedes the `~` in the id of a late event */
export function ownId({ id }: Seen): string {
  return id.split('~', 1)[0]!;
}
