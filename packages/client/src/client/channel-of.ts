import type { ChannelRef, DefinitionLike, PageEventsOf, ParametersOf, StateOf } from './channel-types.js';
import { SseClientError } from './client-error.js';

const PLACEHOLDER = /\{([^{}]*)\}/g;

/**
 * Makes a function that names channels by their parameters.
 *
 * @param pattern as in `defineChannel()` at the server: `{id}` is one or more characters other than a colon
 * @returns a function that throws an `SseClientError` with the code `INVALID_CHANNEL` where a parameter is missing, empty or has a colon
 *
 * @example
 * ```ts
 * import type { orders as definition } from '../server/orders.channels.js'; // its type alone: nothing of the server is loaded
 *
 * const orders = channelOf<typeof definition>('order:{id}'); // another pattern does not compile
 * client.channel(orders({ id: 7 })).on('paid', ({ amount }) => show(amount));
 * ```
 */
export function channelOf<const Pattern extends string>(
  pattern: Pattern,
): (...parameters: ParametersOf<Pattern>) => ChannelRef;
export function channelOf<Definition extends DefinitionLike>(
  pattern: Definition['pattern'],
): (
  ...parameters: ParametersOf<Definition['pattern']>
) => ChannelRef<PageEventsOf<Definition>, StateOf<Definition>>;
export function channelOf(pattern: string): (parameters?: Readonly<Record<string, unknown>>) => ChannelRef {
  return (parameters) => ({
    name: toChannelName(
      pattern.replace(PLACEHOLDER, (_, name: string) => toText(pattern, name, parameters?.[name])),
    ),
  });
}

/** @returns the name of a channel @throws SseClientError */
export function toChannelName(channel: string | { readonly name: string }): string {
  const name = typeof channel === 'object' && channel !== null ? channel.name : channel;
  if (
    typeof name !== 'string' ||
    name.length > 256 ||
    // Control characters, and halves of surrogate pairs.
    !/^[^\p{Cc}\p{Cs}]+$/u.test(name) ||
    /(undefined|null)$/.test(name)
  )
    throw invalid(`${JSON.stringify(name)} is no name of a channel`);
  return name;
}

/** The value is not shown: it may be somebody's secret that was put into the wrong place. */
function toText(pattern: string, name: string, value: unknown): string {
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== 'string' || text === '' || (name !== 'user' && text.includes(':')))
    throw invalid(
      `{${name}} of ${pattern} takes a finite number, or a string that is not empty and has no colon`,
    );
  return text;
}

function invalid(message: string): SseClientError {
  return new SseClientError('INVALID_CHANNEL', `${message}.`);
}
