import type { ControlNotice } from './connection-listener.js';
import type { StreamEvent } from './stream-event.js';
import type { ParsedEvent } from './transport/transport.js';

/** The id of a stream's last event, with which the hub answers 204: never stored, never sent (docs/delivery.md). */
export const DISMISSED_ID = 'dismissed';

/** The hub's own events that applications do not see. */
export const POSITION = 'position';
export const CONTROL = 'control';

/** The types that the hub sends, for a transport that has to name them. */
export const HUB_TYPES: readonly string[] = ['message', 'error', 'end', 'gap', 'map', POSITION, CONTROL];

/** @returns undefined where the data is no object */
export function readObject(data: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What the hub says of the whole map of a state channel (docs/channels.md). Of one key it speaks by an event of the channel. */
export interface MapNotice {
  readonly channel: string;
  /** What the page has of the channel counts no longer. */
  readonly begins?: boolean;
  /** The page has the map, whole. */
  readonly complete?: boolean;
  /** So many older events were left out. */
  readonly conflated?: number;
}

/** @returns undefined for all else, such as an event of this type on a channel without state */
export function readMapNotice({ type, data, channel, own }: MapEvent): MapNotice | undefined {
  if (type !== 'map' || own !== undefined) return undefined;
  const notice = readObject(data) as MapNotice | undefined;
  const isOf = channel === undefined ? typeof notice?.channel === 'string' : notice?.channel === channel;
  return isOf && (notice!.begins ?? notice!.complete ?? notice!.conflated) !== undefined ? notice : undefined;
}

/** Types of events that nobody but the hub may send. They name their channel in their data. */
export const ABOUT_CHANNELS: ReadonlySet<string> = new Set(['gap', 'end', 'error']);

/** Whether the hub itself has written the data of an event. A removal from a map is of the hub, and has an id and a key. */
export function isOfHub(event: MapEvent & Pick<StreamEvent, 'key'>): boolean {
  const isRemoval = event.type === 'map' && event.key !== undefined;
  return ABOUT_CHANNELS.has(event.type) || isRemoval || readMapNotice(event) !== undefined;
}

type MapEvent = Pick<StreamEvent, 'type' | 'data' | 'channel' | 'own'>;

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
