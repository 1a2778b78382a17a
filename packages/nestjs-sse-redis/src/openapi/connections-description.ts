import { SseConnectionsController } from '../http/sse-connections.controller.js';
import { describeError } from './stream-description.js';
import {
  addParameters,
  getParameters,
  getResponses,
  SWAGGER,
  type Handler,
  type Parameter,
  type Responses,
  type Schema,
} from './swagger-metadata.js';

const NAMES: Schema = { type: 'array', items: { type: 'string' } };

const PARAMETERS: readonly Parameter[] = [
  {
    in: 'path',
    name: 'id',
    required: true,
    description: 'The `connection` of the `control` event.',
    schema: { type: 'string' },
  },
  {
    in: 'body',
    required: true,
    description: 'Names channels to subscribe or to unsubscribe, or both.',
    // `@nestjs/swagger` looks up the type of a body that has none, and fails.
    type: String,
    schema: {
      type: 'object',
      required: ['secret'],
      properties: {
        secret: { type: 'string', description: 'The `secret` of the `control` event.' },
        subscribe: { ...NAMES, description: 'Channels to add, where `authorize` lets this client.' },
        unsubscribe: { ...NAMES, description: 'Channels to leave.' },
        change: {
          type: 'integer',
          description:
            'A number that the stream repeats where the change has taken effect, in the data of a `position` event.',
        },
        after: {
          description:
            'The id after which the new channels begin, or one by the name of each; left out, at now.',
          oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: { type: 'string' } }],
          example: '1764244800123-0',
        },
      },
    },
  },
];

const CHANGED: Schema = {
  type: 'object',
  required: ['refused'],
  properties: {
    refused: { ...NAMES, description: 'The channels that `authorize` refused.' },
    position: {
      type: 'string',
      description: 'The position of now, after which channels begin that are added without an `after`.',
    },
  },
};

const RESPONSES: Responses = {
  200: {
    description: 'The channels are changed, but for those that were refused.',
    content: { 'application/json': { schema: CHANGED } },
  },
  400: describeError(400, 'The body, a channel or the id in `after` is not valid.'),
  403: describeError(403, 'The application has no `authorize`, which says what clients may.'),
  404: describeError(404, 'No such connection, or not its secret.'),
  503: describeError(503, 'The process of this connection does not answer. Try again.'),
};

const OPERATION = {
  summary: 'Changes the channels of an open stream',
  description:
    'For the client of the stream alone: its `control` event has the id of the connection and the secret.',
};

/** Documents the connections controller. A class that overrides `change` documents its own. */
export function documentConnections(): void {
  const { change: handler } = SseConnectionsController.prototype as { change: Handler };
  const known = getParameters(handler);
  addParameters(
    handler,
    PARAMETERS.filter((one) => !known.some((other) => other.in === one.in)),
  );
  Reflect.defineMetadata(SWAGGER.responses, { ...RESPONSES, ...getResponses(handler) }, handler);
  if (!Reflect.hasMetadata(SWAGGER.operation, handler))
    Reflect.defineMetadata(SWAGGER.operation, OPERATION, handler);
}
