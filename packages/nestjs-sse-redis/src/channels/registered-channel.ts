import { InvalidEventError } from '../errors/invalid-event.error.js';
import { ChannelPattern } from '../event/channel-pattern.js';
import { parseEventType } from '../event/event-text.js';
import type { SseEventInput } from '../event/sse-event.js';
import type { ChannelDefinitionFields } from './channel-definition.js';
import { classSchema } from './class-schema.js';
import type { DtoClass } from './event-schemas.js';
import { isStandardSchema, type StandardSchema } from './standard-schema.js';
import { validateEvent } from './validate-event.js';

/** How `EventSource` dispatches an event without a type. */
const DEFAULT_TYPE = 'message';
/** No text of a pattern has it, nor is it a colon: a placeholder stands for it as for any other value. */
const ANYTHING = '\u{10ffff}';

/** A definition that a hub has, ready for its channels. */
export class RegisteredChannel {
  readonly pattern: ChannelPattern;
  private readonly schemas: ReadonlyMap<string, StandardSchema>;
  /** A channel with a name as general as the pattern. */
  private readonly sample: string;

  /** @param timeout ms that an asynchronous schema may take */
  constructor(
    readonly definition: ChannelDefinitionFields,
    private readonly timeout: number,
  ) {
    this.pattern = new ChannelPattern(definition.pattern);
    const { pattern } = this;
    this.sample = pattern.fill(
      // A user's id may have a colon.
      pattern.placeholders.map((name) => (name === 'user' ? `${ANYTHING}:${ANYTHING}` : ANYTHING)),
    );
    this.schemas = new Map(
      Object.entries(definition.events ?? {}).map(([type, schema]) => [
        type,
        isStandardSchema(schema) ? schema : classSchema(schema as DtoClass),
      ]),
    );
  }

  /** Whether all channels of the other definition have names that fit this one, too. */
  covers(other: RegisteredChannel): boolean {
    return this.pattern.fits(other.sample);
  }

  /**
   * Checks an event that is to be published to one of the channels.
   *
   * @returns the event with what its schema makes of the data; a Promise where the schema is asynchronous
   * @throws InvalidEventDataError | InvalidEventError
   */
  check(channel: string, event: SseEventInput): SseEventInput | Promise<SseEventInput> {
    if (this.schemas.size === 0 || typeof event !== 'object' || event === null) return event;
    const type = parseEventType(event.type) ?? DEFAULT_TYPE;
    const schema = this.schemas.get(type);
    if (schema) return validateEvent(schema, event.data, { channel, type, timeout: this.timeout });
    throw new InvalidEventError(
      `The channel ${JSON.stringify(channel)} has no event ${JSON.stringify(type)}: its definition ${JSON.stringify(this.definition.pattern)} has ${[...this.schemas.keys()].join(', ')}.`,
    );
  }
}
