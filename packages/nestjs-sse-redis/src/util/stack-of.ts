import { inspect, types } from 'node:util';

/** Errors that were caused by one another, at most, and errors of an `AggregateError`. */
const MOST_CAUSES = 5;

/**
 * What a log shows of anything that was thrown, and of what caused it: `fetch failed` alone says nothing, and the `AggregateError` of a
 * host with two addresses has no message. Of an object that is no error, what lies deeper is left out: libraries throw whole answers,
 * with the headers of the request in them.
 */
export function stackOf(thrown: unknown): string {
  return stacksOf(thrown, MOST_CAUSES, new Set()).join('\n[cause]: ');
}

/** @param seen is added to: an error may be its own cause */
function stacksOf(thrown: unknown, causes: number, seen: Set<unknown>): string[] {
  seen.add(thrown);
  // Of another realm too, as under Jest.
  if (!(thrown instanceof Error) && !types.isNativeError(thrown))
    return [typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 1 })];
  const { cause, errors } = thrown as Error & { readonly errors?: unknown };
  const below = [cause ?? undefined, ...(Array.isArray(errors) ? errors.slice(0, MOST_CAUSES) : [])];
  const shown = causes === 0 ? [] : below.filter((one) => one !== undefined && !seen.has(one));
  return [thrown.stack || String(thrown), ...shown.flatMap((one) => stacksOf(one, causes - 1, seen))];
}
