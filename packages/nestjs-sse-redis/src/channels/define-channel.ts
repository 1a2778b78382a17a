import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { ChannelPattern, findPlaceholders, findProblemOfPattern } from '../event/channel-pattern.js';
import { NamedChannelOf } from '../event/channel-reference.js';
import { MAX_COUNT } from '../event/count.js';
import { parseEventType } from '../event/event-text.js';
import { findUnknownField } from '../event/known-options.js';
import { MAP_TYPE } from '../event/map-notice.js';
import type {
  ChannelDefinition,
  ChannelDefinitionFields,
  ChannelDefinitionOptions,
  DefinedHistory,
  DefinedState,
} from './channel-definition.js';
import { toChannelName } from './channel-parameters.js';
import type { ChannelRule } from './channel-rules.interface.js';
import type { EventSchemas } from './event-schemas.js';
import { isStandardSchema } from './standard-schema.js';

/** Marks a definition, also across two copies of the package. */
const DEFINITION = Symbol.for('nestjs-sse-redis.channel-definition');

const OPTIONS = ['events', 'history', 'authorize', 'rewind', 'ephemeral', 'state', 'listeners'];
const MAX_KEYS = 10_000;
const DEFAULT_KEYS = 1_000;
const YEAR = 365 * 86_400_000;
/** The least and the most, as of the module, and the unit. */
type Numbers = Readonly<Record<string, readonly [number, number, string]>>;
const LISTENERS: Numbers = { maxLength: [1, 1_000_000, ''], ttl: [1_000, YEAR, ' ms'] };
const HISTORY: Numbers = { ...LISTENERS, ttlAfterEnd: [1_000, YEAR, ' ms'] };

/**
 * Defines the channels whose names have a pattern: their events and these events' schemas, their history, and who may be on them.
 *
 * The definition is data, for a file that publishers and handlers share. It takes effect where it is registered, by
 * `SseRedisModule.forRoot({ channels: [orders] })` or `SseRedisModule.forFeature([orders])`, in each process.
 *
 * @param pattern of the names, as in the option `authorize`: `{id}` stands for one or more characters other than a colon, and
 * `{user}` for the id of a user, whatever characters it has
 * @returns a function that makes a reference to one of the channels from its parameters
 * @throws InvalidOptionsError naming what is wrong with the pattern or an option
 *
 * @example
 * ```ts
 * export const orders = defineChannel('order:{id}', {
 *   events: { paid: z.object({ amount: z.number() }), shipped: ShippedDto },
 *   history: { maxLength: 200 },
 *   authorize: (client, { id }) => mayRead(client.user, id),
 * });
 *
 * await hub.publish(orders({ id: 7 }), 'paid', { amount: 12 });
 * ```
 */
export function defineChannel<
  const Pattern extends string,
  Events extends EventSchemas = EventSchemas,
  const State extends boolean | DefinedState = false,
>(
  pattern: Pattern,
  options: ChannelDefinitionOptions<Pattern, Events, State> = {},
): ChannelDefinition<Pattern, Events, State extends false ? false : true> {
  const problems = findProblems(pattern, options);
  if (problems.length > 0)
    throw new InvalidOptionsError(`defineChannel(${JSON.stringify(pattern)}): ${problems.join('; ')}.`);
  const compiled = new ChannelPattern(pattern);
  const fields = toFields(pattern, options);
  const toReference = (parameters?: unknown) =>
    new NamedChannelOf(toChannelName(compiled, parameters), definition);
  const definition: object = Object.assign(toReference, fields, { [DEFINITION]: true });
  return Object.freeze(definition) as unknown as ChannelDefinition<
    Pattern,
    Events,
    State extends false ? false : true
  >;
}

/** @param options without problems */
function toFields(
  pattern: string,
  options: Omit<ChannelDefinitionOptions<string, EventSchemas>, 'authorize'> & {
    readonly authorize?: unknown;
  },
): ChannelDefinitionFields {
  const {
    events,
    history,
    authorize,
    rewind = 0,
    ephemeral = false,
    state = false,
    listeners = false,
  } = options;
  const { maxKeys = DEFAULT_KEYS } = typeof state === 'object' ? state : {};
  return {
    pattern,
    events: events && Object.freeze({ ...events }),
    history: Object.freeze({ ...history }),
    authorize: authorize as ChannelRule | undefined,
    rewind,
    ephemeral,
    state: state === false ? undefined : Object.freeze({ maxKeys }),
    listeners: listeners === false ? undefined : Object.freeze(listeners === true ? {} : { ...listeners }),
  };
}

/** Whether a value is what `defineChannel()` returned. */
export function isChannelDefinition(value: unknown): value is ChannelDefinitionFields {
  return typeof value === 'function' && DEFINITION in value;
}

function findProblems(pattern: unknown, options: unknown): string[] {
  if (typeof pattern !== 'string') return [`the pattern is a string, not ${typeof pattern}`];
  const problem = findProblemOfPattern(pattern);
  if (problem) return [`it is a pattern ${problem}`];
  if (!isObject(options)) return ['the second argument is an object'];
  const unknown = findUnknownField(options, new Set(OPTIONS));
  if (unknown !== undefined)
    return [`there is no option ${JSON.stringify(unknown)} (there are ${OPTIONS.join(', ')})`];
  const { events, history, authorize, rewind, ephemeral, state, listeners } = options as Record<
    string,
    unknown
  >;
  return [
    ...findProblemsOfState(state, options as Record<string, unknown>),
    ...findProblemsOfEvents(events),
    ...findProblemsOfTimes('history', history, HISTORY),
    ...(typeof listeners === 'boolean' ? [] : findProblemsOfTimes('listeners', listeners, LISTENERS)),
    ...(listeners && findPlaceholders(pattern).length === 0
      ? ['listeners is for a pattern of many channels: @OnSseEvent() listens to a single one without it']
      : []),
    ...(authorize === undefined ||
    authorize === true ||
    authorize === 'user' ||
    typeof authorize === 'function'
      ? []
      : ["authorize takes true, 'user' or a function (client, parameters) => boolean"]),
    ...(rewind === undefined || isWhole(rewind, 0, MAX_COUNT)
      ? []
      : [`rewind takes a whole number from 0 to ${MAX_COUNT}`]),
    ...(ephemeral === undefined || typeof ephemeral === 'boolean' ? [] : ['ephemeral takes true or false']),
    ...(ephemeral === true && (rewind !== undefined || history !== undefined)
      ? ['an ephemeral channel keeps nothing: leave out history and rewind, or ephemeral']
      : []),
  ];
}

/** A map is kept whole, and begins with all of it: what says otherwise does not fit. */
function findProblemsOfState(state: unknown, options: Record<string, unknown>): string[] {
  if (state === undefined || state === false) return [];
  if (state !== true) {
    if (!isObject(state)) return ['state takes true, false or an object { maxKeys }'];
    const unknown = findUnknownField(state, new Set(['maxKeys']));
    if (unknown !== undefined) return [`there is no option "state.${unknown}" (there is maxKeys)`];
    const { maxKeys } = state as DefinedState;
    if (maxKeys !== undefined && !isWhole(maxKeys, 1, MAX_KEYS))
      return [`state.maxKeys takes a whole number from 1 to ${MAX_KEYS}`];
  }
  const { events, history, rewind, ephemeral } = options;
  const { maxLength, ttlAfterEnd } = (isObject(history) ? history : {}) as DefinedHistory;
  return [
    ...(rewind === undefined ? [] : ['a state channel begins with its whole map: leave out rewind']),
    ...(ephemeral === true ? ['a state channel keeps its events: leave out ephemeral'] : []),
    ...(maxLength === undefined && ttlAfterEnd === undefined
      ? []
      : ['a state channel keeps one event a key: of history it takes ttl alone (see state.maxKeys)']),
    ...(isObject(events) && MAP_TYPE in events
      ? [`the event type "${MAP_TYPE}" is taken on a state channel: the hub sends it. Use another name`]
      : []),
  ];
}

function findProblemsOfEvents(events: unknown): string[] {
  if (events === undefined) return [];
  if (!isObject(events)) return ['events takes an object { type: schema }'];
  if (Object.keys(events).length === 0)
    return ['events names none: leave it out where any event may be published'];
  return Object.entries(events).flatMap(([type, schema]) => {
    const problem = findProblemOfType(type);
    if (problem) return [problem];
    if (isStandardSchema(schema) || typeof schema === 'function') return [];
    return [
      `events.${type} takes a Standard Schema (zod 3.24, valibot 1.0, arktype 2.0 or later) or a class of class-validator, it got ${schema === null ? 'null' : typeof schema}`,
    ];
  });
}

function findProblemOfType(type: string): string | undefined {
  if (type === '') return 'an event without a type is called "message"';
  try {
    parseEventType(type);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/\.$/, '');
  }
}

function findProblemsOfTimes(option: string, given: unknown, known: Numbers): string[] {
  if (given === undefined) return [];
  const names = Object.keys(known).join(', ');
  if (!isObject(given))
    return [`${option} takes ${option === 'listeners' ? 'true, false or ' : ''}an object { ${names} }`];
  const unknown = findUnknownField(given, new Set(Object.keys(known)));
  if (unknown !== undefined) return [`there is no option "${option}.${unknown}" (there are ${names})`];
  return Object.entries(known).flatMap(([name, [min, max, unit]]) => {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined || isWhole(value, min, max)) return [];
    return [`${option}.${name} takes a whole number from ${min} to ${max}${unit}`];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}
