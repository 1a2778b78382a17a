import { ABOUT_CHANNELS, readMapNotice, readObject } from '../connection/hub-events.js';
import type { StreamEvent } from '../connection/stream-event.js';
import { ownIdOf } from './event-id.js';

/**
 * Names the channel of events of the hub, and of those that `EventSource` brings.
 *
 * @param channels of an `EventSource`, which shows no comments: an event of its only channel needs none. Undefined: of another transport
 */
export function toNamed(event: StreamEvent, channels: readonly string[] | undefined): StreamEvent {
  if (event.channel !== undefined) return { ...event, own: ownIdOf(event.id) };
  const notice = readMapNotice(event);
  if (notice) return { ...event, channel: notice.channel };
  if (ABOUT_CHANNELS.has(event.type)) {
    const channel = readObject(event.data)?.['channel'];
    return typeof channel === 'string' ? { ...event, channel } : event;
  }
  const only = channels?.length === 1 ? channels[0] : undefined;
  return only === undefined ? event : { ...event, channel: only };
}

/** `authorize` has refused a channel, or `hub.unsubscribe()` has taken it off. */
export function readRefusal({ type, data }: StreamEvent): 'FORBIDDEN_CHANNEL' | 'UNSUBSCRIBED' | undefined {
  const code = type === 'error' ? readObject(data)?.['code'] : undefined;
  return code === 'FORBIDDEN_CHANNEL' || code === 'UNSUBSCRIBED' ? code : undefined;
}
