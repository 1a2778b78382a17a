import type { RefusalReason } from '../stream/event-stream.interface.js';

const TEXTS = {
  FORBIDDEN_CHANNEL: '`authorize` at the server refused it.',
  UNSUBSCRIBED: '`hub.unsubscribe()` at the server took it off.',
  NO_CONTROL: 'Its route has to connect with { control: true }.',
  EVENT_SOURCE: 'The transport event-source cannot add channels: use fetch.',
};

/** Says why a channel is not on the stream. */
export function toText(reason: RefusalReason = 'FORBIDDEN_CHANNEL'): string {
  return typeof reason === 'number' ? `The server answered ${reason}.` : TEXTS[reason];
}
