import type { SseEventInput } from 'nestjs-sse-redis';

/** An event as a client dispatched it, or is to dispatch it. */
export interface Dispatched {
  readonly type: string;
  readonly data: string;
  /** `MessageEvent.lastEventId`. */
  readonly id: string;
}

/**
 * What a client must dispatch for a published event: the promise, in words of its own. A stream is UTF-8, which has no
 * halves of surrogate pairs, and its lines have lost how they ended.
 */
export function expectedOf({ type, data }: SseEventInput, id: string): Dispatched {
  return { type: type?.toWellFormed() || 'message', data: expectedData(data), id };
}

function expectedData(data: unknown): string {
  // The hub escapes what some clients take for line ends.
  if (typeof data !== 'string')
    return JSON.stringify(data).replace(/[\u2028\u2029]/g, (one) =>
      one === '\u2028' ? '\\u2028' : '\\u2029',
    );
  return data.replaceAll('\r\n', '\n').replaceAll('\r', '\n').toWellFormed();
}

/** Where a client's events differ from the expected ones; empty if nowhere. */
export function differences(expected: readonly Dispatched[], got: readonly Dispatched[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < Math.max(expected.length, got.length); i++) {
    if (!isSame(expected[i], got[i])) {
      found.push(`event ${i} is to be ${show(expected[i])}, it was ${show(got[i])}`);
    }
    // What follows a missing or an extra event is only shifted.
    if (found.length === 3) break;
  }
  return found;
}

function isSame(a: Dispatched | undefined, b: Dispatched | undefined): boolean {
  return a?.type === b?.type && a?.data === b?.data && a?.id === b?.id;
}

function show(event: Dispatched | undefined): string {
  if (!event) return 'none';
  const json = JSON.stringify(event, ['type', 'data', 'id']);
  return json.length > 600 ? `${json.slice(0, 600)}… (${json.length} characters)` : json;
}
