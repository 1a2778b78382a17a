/**
 * The types of the events that the hub sends of itself; an application cannot publish them. Their `lastEventId` is the
 * client's position, mostly the id of the event before: whoever counts them among events finds that one doubled.
 */
const HUB_EVENTS: ReadonlySet<string> = new Set(['position', 'gap', 'end', 'error', 'control']);

/** Whether the hub sent it of itself, and no application published it. */
export function isHubEvent({ type }: { readonly type: string }): boolean {
  return HUB_EVENTS.has(type);
}

/** Whether it says nothing but the client's position, as a block with nothing but an `id:` line does. */
export function isPositionEvent({ type, data }: { readonly type: string; readonly data: string }): boolean {
  return type === 'position' && data === '';
}

/** The id of the event itself: a late event's `lastEventId` is `<own>~<cursor>`, and those of other shards follow it. */
export function ownIdOf({ id }: { readonly id: string }): string {
  return id.split(/[~,]/, 1)[0]!;
}
