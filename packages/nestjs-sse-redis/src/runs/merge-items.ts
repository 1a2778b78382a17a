import type { SseEventInput } from '../event/sse-event.js';

/** How much may be joined to one event. */
export interface MergeLimits {
  readonly items: number;
  /** Of the data of an event. */
  readonly bytes: number;
}

/** UTF-8 has at most three bytes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;

/** Joins neighbours of the same type whose data are strings. Everything else stays as it is, at its place. */
export function mergeItems(events: readonly SseEventInput[], { items, bytes }: MergeLimits): SseEventInput[] {
  const merged: SseEventInput[] = [];
  let texts: string[] = [];
  let units = 0;
  let type: string | undefined;
  const flush = (): void => {
    if (texts.length > 0) merged.push({ ...(type !== undefined && { type }), data: texts.join('') });
    texts = [];
    units = 0;
  };
  for (const event of events) {
    const { data } = event;
    if (typeof data !== 'string') {
      flush();
      merged.push(event);
      continue;
    }
    const isFull = texts.length >= items || (units + data.length) * BYTES_PER_UNIT > bytes;
    if (event.type !== type || isFull) flush();
    type = event.type;
    texts.push(data);
    units += data.length;
  }
  flush();
  return merged;
}
