import type { StreamEvent } from '../connection/stream-event.js';

/** What the hub says of one channel, by an event of its own (docs/delivery.md). */
export interface HubNotice {
  readonly type: 'gap' | 'end';
  readonly channel: string;
  /** Of a gap: up to here the client has everything; null where the hub does not know the client's position. */
  readonly from?: string | null;
  /** Of a gap: from here on nothing is missing. */
  readonly to?: string;
}

/** @returns undefined for events of the application, and for what the hub says of the whole stream */
export function readHubNotice({ type, data, own }: StreamEvent): HubNotice | undefined {
  if (own !== undefined || (type !== 'gap' && type !== 'end')) return undefined;
  try {
    const notice = JSON.parse(data) as HubNotice | null;
    return typeof notice?.channel === 'string' ? { ...notice, type } : undefined;
  } catch {
    return undefined; // an event of the application, on a stream that names no channels
  }
}
