import type { StateEntry } from '../broker/broker.interface.js';
import { parseCopyType, type EventCopy } from '../broker/event-copy.js';
import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import type { ShardMap } from '../event/shard-map.js';
import type { SseEvent } from '../event/sse-event.js';

/**
 * The logs in which the events of all channels of a definition stand together, for listeners. Each shard has one: an event is stored in its
 * channel and here, in one step.
 */
export class PatternLog {
  /** By the shards that have them. No channel of an application has a control character. */
  readonly names: readonly string[];

  /** @param definition one with `listeners` */
  constructor(
    private readonly definition: ChannelDefinitionFields,
    private readonly shards: ShardMap,
  ) {
    const { pattern } = definition;
    this.names =
      shards.count === 1
        ? [`\u0001listeners:${pattern}`]
        : Array.from(
            { length: shards.count },
            (_, shard) => `\u0001{${shards.tagOf(shard, 'listeners')}}:${pattern}`,
          );
  }

  /** The copy of an event that is published to one of the channels. */
  copyOf(channel: string, state?: StateEntry): EventCopy {
    return {
      log: this.names[this.shards.of(channel)]!,
      head: `${encodeURIComponent(channel)} ${state?.key ?? ''} `,
      history: this.definition.listeners,
    };
  }
}

/** The event as it was published to its channel; undefined where the hub tells of the log itself, as of a gap. */
export function readCopy({ type, data }: SseEvent): SseEvent | undefined {
  const copy = type === undefined ? undefined : parseCopyType(type);
  if (!copy) return undefined;
  return {
    id: copy.id,
    channel: copy.channel,
    ...(copy.type !== undefined && { type: copy.type }),
    data,
    ...(copy.key !== undefined && { key: copy.key }),
  };
}
