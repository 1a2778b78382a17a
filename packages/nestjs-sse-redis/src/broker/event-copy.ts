import type { EventText } from '../event/event-text.js';
import { formatEventId, type Position } from '../event/position.js';
import type { LogHistory } from './log-history.interface.js';

/** The second place of an event: a log in which the events of many channels stand together. */
export interface EventCopy {
  /** As the name of a channel, of the same shard. */
  readonly log: string;
  /** The channel and the key of the event, each as `encodeURIComponent` writes it, and with a space behind it. */
  readonly head: string;
  readonly history?: LogHistory | undefined;
}

/** What the type of a copy says of the event. */
export interface CopyType {
  readonly id: string;
  readonly channel: string;
  readonly type: string | undefined;
  readonly key: string | undefined;
}

const TYPE_FIELD = 'event: ';
const TYPE = /^(\d+-\d+\S*) (\S+) (\S*) ([^]*)$/;

/** The copy of an event as it travels: its type has the id and the head before the own type. `publish.lua` makes the same. */
export function toCopyText(
  { kind, text }: EventText,
  head: string,
  position: Position,
  shard?: number,
): EventText {
  const isTyped = text.startsWith(TYPE_FIELD);
  const rest = isTyped ? text.slice(TYPE_FIELD.length) : `\n${text}`;
  return {
    kind: toCopyKind(kind),
    text: `${TYPE_FIELD}${formatEventId(position, 0, shard)} ${head}${rest}`,
  };
}

/** The end of a channel is none of the log, and the removal of a key is no more than an event there. */
export function toCopyKind(kind: EventText['kind']): 'j' | 't' {
  return kind === 't' ? 't' : 'j';
}

/** Undefined for the type of what is no copy: the hub tells of the log itself, as of a gap. */
export function parseCopyType(type: string): CopyType | undefined {
  const [, id, channel, key, ownType] = TYPE.exec(type) ?? [];
  if (id === undefined) return undefined;
  return {
    id,
    channel: decodeURIComponent(channel!),
    type: ownType === '' ? undefined : ownType,
    key: key === '' ? undefined : decodeURIComponent(key!),
  };
}
