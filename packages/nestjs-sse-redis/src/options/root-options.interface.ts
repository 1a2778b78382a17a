import type { DefinitionRule } from '../channels/channel-definition.js';
import type { AuthorizeFunction } from '../channels/channel-rules.interface.js';
import type { OptionClass, SseAuthorizer } from './option-class.interface.js';
import type { SseRedisOptions } from './sse-redis-options.interface.js';

/** `ChannelRules` each of whose functions gets the placeholders of its own pattern, and no others. */
export type RulesByPattern<Rules> = {
  readonly [Pattern in keyof Rules]: Pattern extends string ? DefinitionRule<Pattern> : never;
};

/**
 * `SseRedisOptions` as `forRoot()` takes them. In a `Record<string, string>` each placeholder may be missing for a compiler with
 * `noUncheckedIndexedAccess`; here `{ id }` of `'order:{id}'` is a string.
 */
export type OptionsByPattern<Rules> = Omit<SseRedisOptions, 'authorize'> & {
  /** Who may be on a channel: see `SseRedisOptions`. */
  readonly authorize?: AuthorizeFunction | RulesByPattern<Rules> | OptionClass<SseAuthorizer>;
};
