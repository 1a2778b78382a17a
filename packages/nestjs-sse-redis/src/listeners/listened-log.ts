import { isChannelDefinition } from '../channels/define-channel.js';
import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { findPlaceholders } from '../event/channel-pattern.js';
import type { ChannelLike } from '../event/channel-reference.js';
import type { SseEvent } from '../event/sse-event.js';
import type { HubParts } from '../hub/hub-parts.js';
import { PatternLog, readCopy } from '../publish/pattern-log.js';

/** What `@OnSseEvent()` takes. */
export type Listened = ChannelLike | ChannelDefinitionFields;

/** A log whose events a method is called with: that of a channel, or of all channels of a definition. */
export interface ListenedLog {
  /** As the broker knows it. */
  readonly name: string;
  /** As the application does; of several shards, each has one of its own. */
  readonly label: string;
  /** The event for the method. */
  readonly toEvent: (event: SseEvent) => SseEvent;
}

/**
 * Finds the logs of what a decorator names.
 *
 * @param method for messages
 * @throws InvalidOptionsError for a pattern that nobody has registered, or to whose channels nobody may listen together
 */
export function findLogs(
  { definitions, shards }: Pick<HubParts, 'definitions' | 'shards'>,
  method: string,
  listened: Listened,
): ListenedLog[] {
  const isDefinition = isChannelDefinition(listened);
  const pattern = isDefinition ? listened.pattern : listened;
  if (typeof pattern !== 'string' || findPlaceholders(pattern).length === 0) {
    // A reference of a definition that is not registered is a mistake, which is found at the start.
    const [name] = definitions.toNames(pattern, 1);
    return [{ name: name!, label: name!, toEvent: (event) => event }];
  }
  const definition = definitions.withPattern(pattern);
  if (!definition || (isDefinition && definition !== listened))
    throw new InvalidOptionsError(
      `@OnSseEvent() of ${method}(): the pattern ${JSON.stringify(pattern)} is of no registered definition. Name it in SseRedisModule.forRoot({ channels: [defineChannel(${JSON.stringify(pattern)}, { listeners: true })] }) or in forFeature(), in each process.`,
    );
  if (!definition.listeners)
    throw new InvalidOptionsError(
      `@OnSseEvent() of ${method}(): nobody may listen to all channels of ${JSON.stringify(pattern)}. Say so in their definition: defineChannel(${JSON.stringify(pattern)}, { listeners: true }).`,
    );
  return new PatternLog(definition, shards.map).names.map((name, shard, { length }) => {
    const label = length === 1 ? pattern : `${pattern}@${shard}`;
    return { name, label, toEvent: (event) => readCopy(event) ?? ofLog(event, pattern) };
  });
}

/** What the hub tells of the log itself, under the name that the application knows. */
function ofLog(event: SseEvent, pattern: string): SseEvent {
  return { ...event, channel: pattern, data: { ...(event.data as object), channel: pattern } };
}
