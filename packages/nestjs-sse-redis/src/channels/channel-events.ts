import type { GapNotice } from '../event/gap.js';
import type { MapNotice } from '../event/map-notice.js';
import type { SseEvent } from '../event/sse-event.js';
import type { ChannelReference } from './channel-definition.js';
import type { EventOutput, EventType, Jsonified } from './event-schemas.js';

/** An event of a channel with a definition, as `hub.events()` and `hub.history()` return it. `type` tells one from another. */
export type DefinedEvent<Events> = {
  [Type in EventType<Events>]: StoredEvent<Type, Jsonified<EventOutput<Events[Type]>>>;
}[EventType<Events>];

/** The events that the hub itself puts among those of a channel. */
export type HubEvent =
  | StoredEvent<'gap', GapNotice>
  | StoredEvent<'end', { readonly channel: string }>
  | StoredEvent<'error', { readonly channel: string; readonly code: string }>;

/** What the hub says of a state channel, among its events. */
export type MapEvent = StoredEvent<'map', MapNotice>;

interface StoredEvent<Type extends string, Data> extends SseEvent {
  readonly type: Type;
  readonly data: Data;
}

/** The events of a channel, or of all channels of a definition: those of the definition and of the hub, or any where it is named by a string. */
export type EventOf<Channel> =
  Channel extends ChannelReference<infer Events, infer State>
    ? string extends keyof Events
      ? SseEvent
      : DefinedEvent<Events> | (State extends true ? MapEvent : HubEvent)
    : Channel extends (...parameters: never[]) => infer Reference
      ? EventOf<Reference>
      : SseEvent;
