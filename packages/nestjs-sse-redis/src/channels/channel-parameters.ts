import { InvalidChannelError } from '../errors/invalid-channel.error.js';
import { parseChannel } from '../event/channel-name.js';
import type { ChannelPattern } from '../event/channel-pattern.js';

/** The names in the braces of a pattern: `'id' | 'part'` of `order:{id}:{part}`. */
export type PlaceholderOf<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholderOf<Rest>
  : never;

/** A value for each placeholder of a pattern. */
export type ChannelParameters<Pattern extends string> = string extends Pattern
  ? Readonly<Record<string, string | number>>
  : { readonly [Name in PlaceholderOf<Pattern>]: string | number };

/** None for a pattern without placeholders. */
export type ChannelArguments<Pattern extends string> = string extends Pattern
  ? [parameters?: ChannelParameters<Pattern>]
  : [PlaceholderOf<Pattern>] extends [never]
    ? []
    : [parameters: ChannelParameters<Pattern>];

/** The placeholders as `authorize` gets them. */
export type MatchedParameters<Pattern extends string> = string extends Pattern
  ? Readonly<Record<string, string>>
  : { readonly [Name in PlaceholderOf<Pattern>]: string };

/**
 * Puts values into a pattern.
 *
 * A name is refused that does not lead back to these values (`{a}-{b}` with `1-2` and `3`): `authorize` would be asked about others.
 *
 * @throws InvalidChannelError naming the placeholder that has no value, or a wrong one
 */
export function toChannelName(pattern: ChannelPattern, parameters: unknown): string {
  const { text, placeholders } = pattern;
  const given = toFields(pattern, parameters);
  const values = placeholders.map((name) => toText(text, name, given[name]));
  const channel = parseChannel(pattern.fill(values));
  if (placeholders.length < 2) return channel;
  const matched = pattern.match(channel, values[placeholders.indexOf('user')]);
  if (matched && placeholders.every((name, i) => matched[name] === values[i])) return channel;
  throw new InvalidChannelError(
    `The channel ${JSON.stringify(channel)} does not lead back to the parameters of ${JSON.stringify(text)} that it was made of. Separate placeholders by a colon.`,
  );
}

function toFields({ text, placeholders }: ChannelPattern, parameters: unknown): Record<string, unknown> {
  const isMissing = parameters === undefined || parameters === null;
  if (isMissing && placeholders.length === 0) return {};
  if (typeof parameters !== 'object' || isMissing || Array.isArray(parameters)) {
    throw new InvalidChannelError(
      placeholders.length === 0
        ? `The channel ${JSON.stringify(text)} takes no parameters.`
        : `The channel ${JSON.stringify(text)} takes an object with ${placeholders.join(', ')}.`,
    );
  }
  const unknown = Object.keys(parameters).find((name) => !placeholders.includes(name));
  if (unknown === undefined) return parameters as Record<string, unknown>;
  throw new InvalidChannelError(
    `The channel ${JSON.stringify(text)} has no placeholder ${JSON.stringify(unknown)} (it has ${placeholders.join(', ') || 'none'}).`,
  );
}

/** The value is not shown: it may be somebody's secret that was put into the wrong place. */
function toText(pattern: string, name: string, value: unknown): string {
  const refuse = (why: string): InvalidChannelError =>
    new InvalidChannelError(`{${name}} of the channel ${JSON.stringify(pattern)} ${why}.`);
  if (value === undefined || value === null)
    throw refuse(`has no value, it got ${String(value)}: check where it comes from`);
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== 'string') throw refuse(`takes a string or a finite number, it got ${typeof value}`);
  if (text === '') throw refuse('must not be empty');
  if (text === 'undefined' || text === 'null')
    throw refuse(`got the text '${text}', which is what a missing value becomes`);
  if (name !== 'user' && text.includes(':'))
    throw refuse('must have no colon, which separates the parts of a name');
  return text;
}
