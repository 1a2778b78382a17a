import type { NamedChannel } from '../event/channel-reference.js';
import type { ChannelArguments, MatchedParameters } from './channel-parameters.js';
import type { AuthorizedClient, ChannelRule } from './channel-rules.interface.js';
import type { EventOutput, EventSchemas, EventType, Jsonified } from './event-schemas.js';

/** Only for TypeScript: nothing has such a field. */
declare const EVENTS: unique symbol;

/** The data of a definition's events behind JSON, by their types. */
export type WireEvents<Events> = string extends keyof Events
  ? Readonly<Record<string, unknown>>
  : { readonly [Type in EventType<Events>]: Jsonified<EventOutput<Events[Type]>> };

/**
 * A channel of a definition. It stands for the channel's name wherever the hub takes one, and brings the types of its events. `State` is
 * true of a state channel.
 */
export interface ChannelReference<
  Events extends EventSchemas = EventSchemas,
  State extends boolean = boolean,
> extends NamedChannel {
  readonly definition: ChannelDefinitionFields;
  readonly [EVENTS]?: Events;
  /** Only for TypeScript, and by a name: nestjs-sse-redis-client reads the events of a page's channels from it. */
  readonly '~events'?: WireEvents<Events>;
  /** Only for TypeScript. */
  readonly '~state'?: State;
}

/** The rule of a definition: as those of the option `authorize`, with the names of its own placeholders. */
export type DefinitionRule<Pattern extends string> =
  | true
  | 'user'
  | ((client: AuthorizedClient, parameters: MatchedParameters<Pattern>) => boolean | Promise<boolean>);

/** What each of the channels of a definition keeps. */
export interface DefinedHistory {
  /** How many events. Default: `history.maxLength` of the module. */
  readonly maxLength?: number | undefined;
  /**
   * How long events are kept, in ms: longer or shorter than `history.ttl` of the module, which is the default. From 1,000 on, and at
   * least twice `auditInterval`.
   */
  readonly ttl?: number | undefined;
  /**
   * How long a channel's events are kept after the `end` of a run or a pipe, in ms. A later event prolongs them. Default: `ttl`. At least
   * twice `auditInterval`.
   */
  readonly ttlAfterEnd?: number | undefined;
}

/** How a state channel keeps its map. */
export interface DefinedState {
  /** How many keys each of the channels may have, from 1 to 10,000. Default 1,000. The event of a key beyond is refused. */
  readonly maxKeys?: number | undefined;
}

/** What is kept of the events of all channels of a definition together, for `@OnSseEvent()`. */
export interface DefinedListeners {
  /** How many events. Default: `history.maxLength` of the module. */
  readonly maxLength?: number | undefined;
  /** How long, in ms. From 1,000 on, and at least twice `auditInterval`. Default: `history.ttl` of the module. */
  readonly ttl?: number | undefined;
}

/** The second argument of `defineChannel()`. */
export interface ChannelDefinitionOptions<
  Pattern extends string,
  Events extends EventSchemas,
  State extends boolean | DefinedState = boolean | DefinedState,
> {
  /** The schema of each event, by its type. Left out: any event, as on a channel without a definition. */
  readonly events?: Events;
  readonly history?: DefinedHistory;
  /** Who may be on these channels. Default: what `authorize` of the module says. */
  readonly authorize?: DefinitionRule<Pattern>;
  /** How many of the last events a new client of one such channel gets, unless `connect()` says it. Default 0. */
  readonly rewind?: number;
  /** Whether events reach only those who are connected, and are kept nowhere, unless `publish()` says it. Default false. */
  readonly ephemeral?: boolean;
  /**
   * Makes them state channels: each event has a key, and of each key the newest counts. A new client gets these, and then what
   * changes. Default false.
   */
  readonly state?: State;
  /**
   * Whether `@OnSseEvent()` may listen to all of these channels. Each event is stored a second time then, in a log that they share. The log
   * has the length and the time of the module, or those that are given here. Default false.
   */
  readonly listeners?: boolean | DefinedListeners;
}

/** A definition as data. */
export interface ChannelDefinitionFields {
  readonly pattern: string;
  /** Undefined where the definition names none. */
  readonly events: EventSchemas | undefined;
  readonly history: DefinedHistory;
  readonly authorize: ChannelRule | undefined;
  readonly rewind: number;
  readonly ephemeral: boolean;
  /** Undefined of channels that are no state channels. */
  readonly state: { readonly maxKeys: number } | undefined;
  /** Undefined where nobody listens to all of the channels. */
  readonly listeners: DefinedListeners | undefined;
}

/**
 * The definition of all channels whose names have a pattern. Called with the parameters of the pattern it returns one of them.
 *
 * @example orders({ id: 7 }) // the channel order:7
 */
export interface ChannelDefinition<
  Pattern extends string = string,
  Events extends EventSchemas = EventSchemas,
  State extends boolean = boolean,
> extends ChannelDefinitionFields {
  (...parameters: ChannelArguments<Pattern>): ChannelReference<Events, State>;
  readonly pattern: Pattern;
}
