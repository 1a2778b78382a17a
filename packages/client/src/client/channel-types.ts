/** The events of a channel by their types, with what their data are behind JSON. */
export type EventMap = Readonly<Record<string, unknown>>;

/**
 * What the client reads of a channel definition of the server, by its type alone: `typeof orders`. `defineChannel()` of nestjs-sse-redis
 * returns such a function.
 */
export interface DefinitionLike {
  (...parameters: never[]): {
    readonly '~events'?: EventMap | undefined;
    readonly '~state'?: boolean | undefined;
  };
  readonly pattern: string;
}

/** The names in the braces of a pattern. */
type PlaceholderOf<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholderOf<Rest>
  : never;

/** The parameters of a pattern: none where it has no braces. */
export type ParametersOf<Pattern extends string> = string extends Pattern
  ? [parameters?: Readonly<Record<string, string | number>>]
  : [PlaceholderOf<Pattern>] extends [never]
    ? []
    : [parameters: { readonly [Name in PlaceholderOf<Pattern>]: string | number }];

/** The events of a definition, or of one of its channels; any where it names none. */
export type EventsOf<Definition> = Definition extends (...parameters: never[]) => infer Reference
  ? EventsOf<Reference>
  : Definition extends { readonly '~events'?: infer Events }
    ? [Exclude<Events, undefined>] extends [EventMap]
      ? Exclude<Events, undefined>
      : EventMap
    : EventMap;

/** Whether the channels of a definition have a map. */
export type StateOf<Definition> = Definition extends (...parameters: never[]) => {
  readonly '~state'?: infer State;
}
  ? true extends State
    ? true
    : false
  : false;

/** The events of a definition's channels, with those that the hub sends on a state channel. */
export type PageEventsOf<Definition> =
  StateOf<Definition> extends true ? EventsOf<Definition> & { readonly map: MapData } : EventsOf<Definition>;

/** A channel by its name, with the types of its events. The server's own references are such, too. */
// oxlint-disable-next-line typescript/no-explicit-any -- a name may be of any channel
export interface ChannelRef<Events extends EventMap = EventMap, State extends boolean = any> {
  readonly name: string;
  readonly '~events'?: Events | undefined;
  /** Whether it is a state channel; any where that is not known. */
  readonly '~state'?: State | undefined;
  /** A function has a name, too: one that makes references is none itself. */
  readonly call?: never;
}

/** Part of a channel that cannot be recovered. */
export interface GapData {
  readonly channel: string;
  /** Up to here the page has everything; null if that is not known. */
  readonly from: string | null;
  /** From here on nothing is missing. */
  readonly to: string;
}

/** The end of what a channel carries. */
export interface EndData {
  readonly channel: string;
  /** How a run ended: `done`, `failed`, `stopped` or `interrupted`. */
  readonly outcome?: string;
  readonly run?: string;
}

/** What the hub says of a state channel. */
export type MapData =
  /** What the page has of the channel counts no longer: the map follows. */
  | { readonly channel: string; readonly begins: true }
  /** The page has the map, whole. */
  | { readonly channel: string; readonly complete: true }
  /** A key was removed. */
  | { readonly channel: string; readonly removed: string }
  /** So many older events were left out, since newer ones of their keys came first. */
  | { readonly channel: string; readonly conflated: number };

/** An error of the server about a channel, or of the client: then `code` is one of `SseClientErrorCode`, and `error` says more. */
export interface ErrorData {
  readonly channel: string;
  readonly code: string;
  readonly error?: Error;
}

/** Events that come on every channel. */
export interface HubEvents {
  readonly gap: GapData;
  readonly end: EndData;
  readonly error: ErrorData;
}

/** All events of a channel. */
export type AllEvents<Events> = Omit<Events, keyof HubEvents> & HubEvents;

/** An event as listeners get it. */
export interface ChannelEvent<Type extends string = string, Data = unknown> {
  /** `message` where the server named none. */
  readonly type: Type;
  readonly data: Data;
  /** The data as they came, before they were parsed. */
  readonly text: string;
  /** The event's own id, as `hub.publish()` returned it; empty for what has none. */
  readonly id: string;
  /** Undefined where the event is of no channel, as those of `hub.sendTo()`. */
  readonly channel: string | undefined;
  /** Of a state channel: the key of which this is the newest event. */
  readonly key?: string;
}

/** The events of a channel as a union, which `type` tells apart. */
export type EventOf<Events> = string extends keyof Events
  ? ChannelEvent
  : {
      [Type in keyof AllEvents<Events> & string]: ChannelEvent<Type, AllEvents<Events>[Type]>;
    }[keyof AllEvents<Events> & string];

/** The events of a state channel that may be in its map. */
export type StateEventOf<Events> = string extends keyof Events
  ? ChannelEvent
  : {
      [Type in Exclude<keyof Events & string, 'map'>]: ChannelEvent<Type, Events[Type]>;
    }[Exclude<keyof Events & string, 'map'>];

/** Receives events of a type. */
export type EventListenerOf<Events, Type extends string> = Type extends keyof HubEvents
  ? (data: HubEvents[Type], event: ChannelEvent<Type, HubEvents[Type]>) => void
  : Type extends keyof Events
    ? (data: Events[Type], event: ChannelEvent<Type, Events[Type]>) => void
    : (data: unknown, event: ChannelEvent<Type>) => void;
