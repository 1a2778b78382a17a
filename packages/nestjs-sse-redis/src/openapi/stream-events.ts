import { isStandardSchema } from '../channels/standard-schema.js';
import type { EventSchema } from '../channels/event-schemas.js';
import { findDefinitions } from '../http/channels-of-request.js';
import { SSE_RUN, type RunRoute } from '../http/run-route.js';
import { SSE_CHANNELS, type SseChannelsMetadata } from '../http/sse-channels.decorator.js';
import { STREAM } from './stream-description.js';
import type { Class, Handler, MediaType, Schema } from './swagger-metadata.js';

/** The part of Standard JSON Schema (https://standardschema.dev) that is asked here. */
interface JsonSchemaSource {
  readonly jsonSchema?: { readonly output?: (options: { readonly target: string }) => object };
  readonly vendor: string;
}

/** Describes the stream of a route: its events, where `@SseChannels()` or `@SseRun()` names definitions that name theirs. */
export function describeStreamMedia(handler: Handler, refer: (model: Class) => Schema): MediaType {
  const metadata = Reflect.getMetadata(SSE_CHANNELS, handler) as SseChannelsMetadata | undefined;
  const run = Reflect.getMetadata(SSE_RUN, handler) as RunRoute | undefined;
  const channels = metadata?.channels ?? run?.channel;
  const definitions = channels === undefined ? [] : findDefinitions(channels);
  const events = definitions.flatMap(({ events = {} }) => Object.entries(events));
  if (events.length === 0) return STREAM;
  return {
    schema: {
      description: 'One event of the stream. `data` is JSON in the stream, unless it is a string.',
      oneOf: events.map(([type, schema]) => describeEvent(type, schema, refer)),
    },
  };
}

function describeEvent(type: string, schema: EventSchema, refer: (model: Class) => Schema): Schema {
  const data = describeData(schema, refer);
  return {
    type: 'object',
    required: ['event', 'data'],
    properties: { event: { type: 'string', enum: [type] }, data },
  };
}

/** What is stored, as far as the schema says it. */
function describeData(schema: EventSchema, refer: (model: Class) => Schema): Schema {
  if (!isStandardSchema(schema)) return refer(schema);
  const { jsonSchema, vendor } = schema['~standard'] as JsonSchemaSource;
  if (vendor === 'class-validator' && 'type' in schema) return refer(schema.type as Class);
  try {
    // The version of OpenAPI is not known yet; this target is valid in each.
    return jsonSchema?.output?.({ target: 'openapi-3.0' }) ?? {};
  } catch {
    // Not every schema has one: a transform says nothing of its output.
    return {};
  }
}
