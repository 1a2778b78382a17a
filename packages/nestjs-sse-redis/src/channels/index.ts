export { defineChannel } from './define-channel.js';
export { classSchema, type ClassSchemaOptions } from './class-schema.js';
export type {
  ChannelDefinition,
  ChannelDefinitionFields,
  ChannelDefinitionOptions,
  ChannelReference,
  DefinedHistory,
  DefinedListeners,
  DefinedState,
  DefinitionRule,
} from './channel-definition.js';
export type { ChannelArguments, ChannelParameters } from './channel-parameters.js';
export type { DefinedEvent, EventOf, HubEvent, MapEvent } from './channel-events.js';
export type {
  DefinedEventInput,
  DtoClass,
  EventInput,
  EventOutput,
  EventSchema,
  EventSchemas,
  EventType,
  Jsonified,
} from './event-schemas.js';
export type { GapNotice } from '../event/gap.js';
export type { MapNotice } from '../event/map-notice.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';
export type {
  AuthorizedClient,
  AuthorizeFunction,
  ChannelRule,
  ChannelRules,
} from './channel-rules.interface.js';
