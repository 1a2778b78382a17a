import type { StateEntry } from '../broker/broker.interface.js';
import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { MAP_TYPE } from '../event/map-notice.js';
import type { SseEventInput } from '../event/sse-event.js';

const MAX_KEY_LENGTH = 256;

/**
 * The place of an event on a state channel; undefined on any other.
 *
 * @param definition of the channel, where it has one
 * @throws InvalidEventError for a key that is missing, wrong, or of no use
 */
export function toStateEntry(
  channel: string,
  definition: ChannelDefinitionFields | undefined,
  key: string | undefined,
  ephemeral: boolean,
): StateEntry | undefined {
  const shown = JSON.stringify(channel);
  const state = definition?.state;
  if (!state) {
    if (key === undefined) return undefined;
    throw new InvalidEventError(
      `The channel ${shown} is no state channel here, and takes no key: define it with state: true, and register the definition in this process.`,
    );
  }
  if (key === undefined)
    throw new InvalidEventError(
      `The channel ${shown} is a state channel: publish with { key }, under which the event replaces the one before. hub.remove() removes it.`,
    );
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY_LENGTH || !key.isWellFormed())
    throw new InvalidEventError(
      `The key of an event of the state channel ${shown} is a string of 1 to ${MAX_KEY_LENGTH} characters.`,
    );
  if (ephemeral)
    throw new InvalidEventError(
      `The state channel ${shown} keeps its events: leave out ephemeral, or publish to a channel beside it.`,
    );
  return { key: encodeURIComponent(key), maxKeys: state.maxKeys };
}

/** @throws InvalidEventError for the type under which the hub sends what it has to say of a map */
export function checkStateEvent(channel: string, event: SseEventInput): void {
  if (event?.type !== MAP_TYPE) return;
  throw new InvalidEventError(
    `The event type "${MAP_TYPE}" is taken on the state channel ${JSON.stringify(channel)}: the hub sends it. Use another name.`,
  );
}
