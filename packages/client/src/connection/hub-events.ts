import type { ControlNotice } from './connection-listener.js';
import type { ParsedEvent } from './transport/transport.js';

/** The id of a stream's last event, with which the hub answers 204: never stored, never sent (docs/delivery.md). */
export const DISMISSED_ID = 'dismissed';

/** The hub's own events that applications do not see. */
export const POSITION = 'position';
export const CONTROL = 'control';

/** The types that the hub sends, for a transport that has to name them. */
export const HUB_TYPES: readonly string[] = ['message', 'error', 'end', 'gap', POSITION, CONTROL];

/** @returns undefined where the data is no object */
export function readObject(data: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** @returns undefined where the event lacks what a page needs to change its channels */
export function readControl(data: string): ControlNotice | undefined {
  const notice = readObject(data);
  if (typeof notice?.['connection'] !== 'string' || typeof notice['secret'] !== 'string') return undefined;
  return notice as unknown as ControlNotice;
}

/** The code of an `error` event about the stream. One that names a channel, such as that of a failed pipe, is about that channel. */
export function readRefusal({ type, data }: ParsedEvent): string | undefined {
  if (type !== 'error') return undefined;
  const notice = readObject(data);
  return notice?.['channel'] === undefined && typeof notice?.['code'] === 'string'
    ? notice['code']
    : undefined;
}
