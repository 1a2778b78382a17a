import { EVENT_STREAM } from './stream-description.js';

/** A part of an OpenAPI document. */
type Part = Readonly<Record<string, unknown>>;

/**
 * Says of each stream in an OpenAPI document of version 3.2 what its single events are (`itemSchema`), as far as channel definitions
 * name them. Documents of older versions, which have no such field, come back as they are.
 *
 * @param document as `SwaggerModule.createDocument()` returns it; it is not changed
 * @returns the document of which streams with `oneOf` events have an `itemSchema` instead
 * @see https://spec.openapis.org/oas/v3.2.0.html#media-type-examples, "Server-Sent Event Streams"
 * @example
 * ```ts
 * const config = new DocumentBuilder().setOpenAPIVersion('3.2.0').build();
 * const document = toItemSchemas(SwaggerModule.createDocument(app, config));
 * ```
 */
export function toItemSchemas<Document extends { readonly openapi: string }>(document: Document): Document {
  if (!document.openapi.startsWith('3.2')) return document;
  return visit(document) as Document;
}

function visit(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(visit);
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [
      key,
      key === EVENT_STREAM ? toSequence(value as Part) : visit(value),
    ]),
  );
}

/** @param media what the document says of a stream */
function toSequence(media: Part): Part {
  const { schema, ...rest } = media as { readonly schema?: Part };
  const events = schema?.['oneOf'] as readonly { readonly properties: Part }[] | undefined;
  if (!events) return media;
  const fields = { id: { type: 'string' }, event: { type: 'string' }, data: { type: 'string' } };
  const itemSchema = {
    type: 'object',
    properties: fields,
    required: ['data'],
    oneOf: events.map(({ properties: { event, data } }) => ({
      properties: { event, data: toText(data as Part) },
      required: ['event'],
    })),
  };
  return { ...rest, itemSchema };
}

/** In the stream the data are text: JSON, unless a string was published. */
function toText(data: Part): Part {
  if (data['type'] === 'string') return data;
  return { type: 'string', contentMediaType: 'application/json', contentSchema: data };
}
