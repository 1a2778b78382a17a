import { InvalidChannelError } from '../errors/invalid-channel.error.js';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { isOfHub, parseChannels, toChannels } from '../event/channel-name.js';
import { TooManyChannelsError } from '../errors/too-many-channels.error.js';
import { MAX_OWED } from '../event/last-event-id.js';
import { isNamedChannel, type ChannelLike } from '../event/channel-reference.js';
import type { ChannelDefinitionFields, ChannelReference } from './channel-definition.js';
import { loadClassPackages } from './class-schema.js';
import { RegisteredChannel } from './registered-channel.js';
import { isStandardSchema } from './standard-schema.js';

const REGISTER =
  'SseRedisModule.forRoot({ channels: […] }), SseRedisModule.forFeature([…]) or createPublisher({ channels: […] })';

/** The definitions of a hub. For a channel that several fit, the one whose channels all fit the others counts; else the first. */
export class ChannelDefinitions {
  private readonly registered: readonly RegisteredChannel[];
  private readonly hasStates: boolean;
  /** Channels with names that an application could give, in which the hub keeps something for itself. */
  private readonly own = new Set<string>();

  /**
   * @param definitions as they were registered; one may be there several times
   * @param timeout ms that an asynchronous schema may take
   * @throws InvalidOptionsError where two have equal patterns
   */
  constructor(definitions: readonly ChannelDefinitionFields[] = [], timeout = Infinity) {
    const registered: RegisteredChannel[] = [];
    for (const definition of new Set(definitions)) {
      const one = new RegisteredChannel(definition, timeout);
      const wider = registered.findIndex((other) => other.covers(one));
      if (wider >= 0 && one.covers(registered[wider]!)) throw equalPatterns(definition, registered[wider]!);
      registered.splice(wider < 0 ? registered.length : wider, 0, one);
    }
    this.registered = registered;
    this.hasStates = registered.some(({ definition }) => definition.state !== undefined);
  }

  has(definition: ChannelDefinitionFields): boolean {
    return this.registered.some((one) => one.definition === definition);
  }

  /** The one with a pattern, if there is one. */
  withPattern(pattern: string): ChannelDefinitionFields | undefined {
    return this.registered.find(({ definition }) => definition.pattern === pattern)?.definition;
  }

  /** Whether one of them says who may be on its channels. */
  get haveRules(): boolean {
    return this.registered.some(({ definition }) => definition.authorize !== undefined);
  }

  /** The patterns of those that do not. */
  get withoutRules(): string[] {
    return this.registered
      .filter(({ definition }) => definition.authorize === undefined)
      .map(({ definition }) => definition.pattern);
  }

  /** The definition that counts for a channel's name, if there is one. */
  find(name: string): RegisteredChannel | undefined {
    // Of the hub's own channels none is of a definition, however wide its pattern.
    if (isOfHub(name) || this.own.has(name)) return undefined;
    for (const one of this.registered) if (one.pattern.fits(name)) return one;
    return undefined;
  }

  /** Takes a channel for the hub: no definition counts for it. */
  keep(name: string): void {
    this.own.add(name);
  }

  /** Whether a channel is a state channel. */
  readonly isState = (name: string): boolean =>
    this.hasStates && this.find(name)?.definition.state !== undefined;

  /**
   * A client that is cut off within the maps of its state channels is told by its id where each goes on: an id has room for so many.
   *
   * @param shards how many the hub has
   * @throws TooManyChannelsError
   */
  checkStates(names: readonly string[], shards: number): void {
    if (!this.hasStates) return;
    const count = names.filter(this.isState).length;
    const most = Math.ceil(MAX_OWED / shards);
    if (count > most)
      throw new TooManyChannelsError(
        `A stream takes at most ${most} state channels, this one has ${count}. Put several maps on one channel, or open several streams.`,
      );
  }

  /** @throws InvalidChannelError for a state channel, whose events need keys: nothing is piped into it, and it has no runs */
  checkStreamable(name: string): void {
    if (this.isState(name))
      throw new InvalidChannelError(
        `The channel ${JSON.stringify(name)} is a state channel, whose events need a key each: pipe or run into a channel beside it.`,
      );
  }

  /**
   * The definition that counts for a channel.
   *
   * @param channel its name or a reference
   * @param name of the channel
   * @throws InvalidChannelError for a reference of a definition that does not count here
   */
  of(channel: unknown, name: string): RegisteredChannel | undefined {
    const found = this.registered.length > 0 ? this.find(name) : undefined;
    if (typeof channel === 'string' || !isNamedChannel(channel)) return found;
    const { definition } = channel as ChannelReference;
    if (found?.definition === definition) return found;
    const shown = JSON.stringify(definition.pattern);
    throw new InvalidChannelError(
      this.has(definition)
        ? `The channel ${JSON.stringify(name)} of the definition ${shown} has a name that also fits ${JSON.stringify(found?.definition.pattern)}, which counts for it. Give the patterns different beginnings.`
        : `The definition ${shown} is not registered, so that its rules would not hold: name it in ${REGISTER}, in each process.`,
    );
  }

  /**
   * Returns the names of some channels, each once.
   *
   * @param max how many there may be
   * @param min how many there have to be, 0 or 1
   * @throws InvalidChannelError | TooManyChannelsError
   */
  toNames(channels: ChannelLike | readonly ChannelLike[], max: number, min = 1): string[] {
    const all = [...toChannels(channels)] as ChannelLike[];
    for (const channel of all) if (isNamedChannel(channel)) this.of(channel, channel.name);
    return parseChannels(all, max, min);
  }

  /**
   * How many events a new client of these channels gets, where its handler does not say. Of several channels the events are
   * counted together, and the numbers of their definitions would not add up to anything: none then.
   */
  rewindOf(names: readonly string[]): number {
    return names.length === 1 ? (this.find(names[0]!)?.definition.rewind ?? 0) : 0;
  }

  /** For how long any log is kept at most, ms. @param ttl of the module */
  longestTtl(ttl: number): number {
    const times = this.registered.flatMap(({ definition: { history, listeners } }) => [
      history.ttl,
      history.ttlAfterEnd,
      listeners?.ttl,
    ]);
    return Math.max(ttl, ...times.filter((time) => time !== undefined));
  }

  /** @throws InvalidOptionsError where logs would be gone before lost announcements are looked for in them */
  checkHistory(auditInterval: number): void {
    const problems = this.registered.flatMap(({ definition: { pattern, history, listeners } }) => {
      const times = { 'history.ttl': history.ttl, 'history.ttlAfterEnd': history.ttlAfterEnd };
      return Object.entries({ ...times, 'listeners.ttl': listeners?.ttl })
        .filter(([, time]) => (time ?? Infinity) < 2 * auditInterval)
        .map(([name, time]) => `${name} of ${JSON.stringify(pattern)} (${time})`);
    });
    if (problems.length === 0) return;
    throw new InvalidOptionsError(
      `${problems.join(' and ')} must be at least twice auditInterval (${auditInterval}), else lost announcements are looked for in logs that are gone. Keep events longer, or set auditInterval.`,
    );
  }

  /** Loads the packages that schemas need. @throws InvalidOptionsError saying what to install */
  async load(): Promise<void> {
    const schemas = this.registered.flatMap(({ definition }) => Object.values(definition.events ?? {}));
    const needsPackages = schemas.some(
      (schema) => !isStandardSchema(schema) || schema['~standard'].vendor === 'class-validator',
    );
    if (needsPackages) await loadClassPackages();
  }
}

function equalPatterns(one: ChannelDefinitionFields, { definition }: RegisteredChannel): InvalidOptionsError {
  const same = one.pattern === definition.pattern;
  return new InvalidOptionsError(
    `Two channel definitions have ${same ? 'the pattern' : 'patterns for the same channels,'} ${JSON.stringify(definition.pattern)}${same ? '' : ` and ${JSON.stringify(one.pattern)}`}. Define it once, and import the definition where it is needed.`,
  );
}
