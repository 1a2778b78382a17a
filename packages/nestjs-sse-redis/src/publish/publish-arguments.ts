import { isNamedChannel, type ChannelLike } from '../event/channel-reference.js';
import type { SseEventInput } from '../event/sse-event.js';
import type { PublishOptions } from './publish.types.js';

/** The arguments of `hub.publish()` behind the channel: `type, data, options` for a reference, else `event, options`. */
export function parsePublish(
  channel: ChannelLike,
  [first, second, third]: readonly unknown[],
): [event: SseEventInput, options: PublishOptions] {
  // A string in the place of an event is refused for a channel without a definition, whose type is not known to be one.
  if (isNamedChannel(channel) && typeof first === 'string')
    return [{ type: first, data: second }, toOptions(third)];
  return [first as SseEventInput, toOptions(second)];
}

/** What is no object is refused later, by name. */
function toOptions(options: unknown): PublishOptions {
  return (options === undefined ? {} : options) as PublishOptions;
}
