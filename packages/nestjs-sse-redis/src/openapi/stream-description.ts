import type { MediaType, Parameter, ResponseEntry, Responses, Schema } from './swagger-metadata.js';

export const EVENT_STREAM = 'text/event-stream';

/** The body of an error: Nest's, with the `code` where it is an error of the hub. */
const ERROR: Schema = {
  type: 'object',
  required: ['statusCode', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    message: { type: 'string' },
    code: { type: 'string', description: 'Names the cause of an error of the hub.' },
  },
};

/** The time after which a refused client is to return, in seconds. */
const RETRY_AFTER = { 'Retry-After': { schema: { type: 'integer' } } };

/** @param message of the example, and its `code` */
export function describeError(
  status: number,
  description: string,
  message = description,
  code?: string,
): ResponseEntry {
  const example = { statusCode: status, message, ...(code !== undefined && { code }) };
  return { description, content: { 'application/json': { schema: ERROR, example } } };
}

/** The stream as a text: OpenAPI before 3.2 has no schema for the single event. */
export const STREAM: MediaType = {
  schema: {
    type: 'string',
    description:
      'Events of the WHATWG HTML standard, 9.2. Each has an `id`, to return with as `Last-Event-ID`; an `event`, its type, where it is not `message`; and `data`, which is JSON or text.',
  },
  example: [
    'retry: 3000\nid: 1764244800000-0\nevent: position\ndata:\n\n',
    'id: 1764244800123-0\nevent: article\ndata: {"headline":"one"}\n\n',
  ].join(''),
};

export const STREAM_DESCRIPTION =
  'Server-Sent Events, on a response that stays open. Besides the events of the application the hub sends `position`, `gap` (events may be missing), `end` (close the `EventSource`), `error` with `{ code }` (return after the `retry:` time) and, where asked for, `control`.';

/** The answers of a stream route besides the stream. @param hasInput whether the request has a say in the channels */
export function describeRefusals(hasInput: boolean): Responses {
  return {
    204: {
      description:
        'The client came with the id `dismissed`: it was disconnected for good. An `EventSource` closes.',
    },
    ...(hasInput && {
      400: describeError(
        400,
        'The request asks for a channel that cannot exist, or for too many.',
        'A channel name has 1 to 256 characters.',
        'INVALID_CHANNEL',
      ),
    }),
    429: {
      ...describeError(
        429,
        'A limit of connections is reached. Requests without `Prefer: status` get 200 and an `error` event.',
        'The limit of connections per user is reached.',
        'TOO_MANY_CONNECTIONS',
      ),
      headers: RETRY_AFTER,
    },
    503: {
      ...describeError(
        503,
        'The process shuts down, or Redis is away. Requests without `Prefer: status` get 200 and a time to return.',
        'Service Unavailable',
        'DRAINING',
      ),
      headers: RETRY_AFTER,
    },
  };
}

/** What every stream route reads from a request. */
export const STREAM_PARAMETERS: readonly Parameter[] = [
  {
    in: 'header',
    name: 'Last-Event-ID',
    required: false,
    description:
      'The id of the last event that this client has. An `EventSource` sends it when it reconnects.',
    schema: { type: 'string', example: '1764244800123-0' },
  },
  {
    in: 'query',
    name: 'lastEventId',
    required: false,
    description:
      'The id of the last event that this client has, where it cannot set `Last-Event-ID`, which takes precedence.',
    schema: { type: 'string' },
  },
  {
    in: 'header',
    name: 'Prefer',
    required: false,
    description: '`status`: a refusal is a status (429, 503) instead of an `error` event (RFC 7240).',
    schema: { type: 'string', example: 'status' },
  },
];

export function describePathParameter(name: string): Parameter {
  return { in: 'path', name, required: true, schema: { type: 'string' } };
}
