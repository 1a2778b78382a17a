import type { Observable } from 'rxjs';
import { observeChannel, type ObserveOptions } from '../delivery/observe-channel.js';
import { parseChannel } from '../event/channel-name.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { parseCount } from '../event/count.js';
import { checkOptions } from '../event/known-options.js';
import { parseEventIdAfter } from '../event/last-event-id.js';
import type { SseEvent } from '../event/sse-event.js';
import type { HubParts } from './hub-parts.js';
import type { EventsOptions } from './hub.types.js';

type ObserveParts = Pick<HubParts, 'state' | 'shards' | 'definitions'>;

const EVENTS_OPTIONS: ReadonlySet<string> = new Set(['after', 'rewind']);

/**
 * The events of a channel for code of the server.
 *
 * @throws InvalidChannelError | InvalidEventIdError | InvalidArgumentError
 */
export function observeEvents(
  parts: ObserveParts,
  channel: ChannelLike,
  options: EventsOptions,
): Observable<SseEvent> {
  checkOptions('events()', options, EVENTS_OPTIONS);
  return observeLog(parts, parseChannel(channel), options);
}

/** The same of a log that may be the hub's own. @param own what code of this package may ask for besides */
export function observeLog(
  { state, shards, definitions }: ObserveParts,
  name: string,
  { after, rewind }: EventsOptions,
  own: Pick<ObserveOptions, 'isEndless' | 'onLive' | 'backlog'> = {},
): Observable<SseEvent> {
  const count = parseCount('rewind', rewind ?? 0);
  const start =
    after === 'start'
      ? { from: new Map([[name, 'start' as const]]) }
      : {
          lastEventId:
            after === undefined ? undefined : parseEventIdAfter(after, name, shards.map, definitions.isState),
          rewind: count,
        };
  return observeChannel(shards.subscribers, name, { ...start, ...own }, state);
}
