import type {
  Publication,
  Published as Place,
  PublishOutcome,
  StateEntry,
} from '../broker/broker.interface.js';
import type { EventCopy } from '../broker/event-copy.js';
import { ChannelDefinitions } from '../channels/channel-definitions.js';
import type { RegisteredChannel } from '../channels/registered-channel.js';
import type { HubCounters } from '../delivery/hub-counters.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { parseChannel } from '../event/channel-name.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { encodeEvent, formatHubEvent, type EventText } from '../event/event-text.js';
import { MAP_TYPE, type MapNotice } from '../event/map-notice.js';
import { handleRejection } from '../event/refused-promise.js';
import type { ShardMap } from '../event/shard-map.js';
import type { SseEventInput } from '../event/sse-event.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { ChannelTurns } from './channel-turns.js';
import { PatternLog } from './pattern-log.js';
import type { PipePublisher } from './pipes.js';
import type {
  ChannelEventInput,
  Published,
  PublishOptions,
  PublishResult,
  RemoveOptions,
} from './publish.types.js';
import { serializeData } from './serialize-data.js';
import { checkStateEvent, toStateEntry } from './state-entry.js';
import { MAX_REPLICAS } from '../options/option-table.js';
import { checkOptions, findUnknownField } from '../event/known-options.js';
import { describeValue } from '../event/describe-value.js';

const MAX_KEY_LENGTH = 256;

const EVENT_FIELDS = new Set(['type', 'data']);
const PUBLISH_OPTIONS = new Set(['idempotencyKey', 'ephemeral', 'replicas', 'key']);
const REMOVE_OPTIONS = new Set(['idempotencyKey', 'replicas']);
const MANY_FIELDS = new Set(['channel', ...EVENT_FIELDS, ...PUBLISH_OPTIONS]);
const NO_ID = ' The hub gives each event its id, and each connection its retry time: leave them out.';

/** Where events are published. */
export interface PublishTarget {
  /** Which shard has a channel. */
  readonly map: ShardMap;
  /** Never rejects: each publication has an outcome of its own. */
  publish(publications: readonly Publication[]): Promise<PublishOutcome[]>;
  /** The id of an event that was published. */
  idOf(channel: string, published: Place): string;
}

/** What is to be published; a Promise where the schema of its channel's definition is asynchronous. */
export type Prepared = Publication | Promise<Publication>;

/** Checks, encodes and publishes events. */
export class Publisher implements PipePublisher {
  private readonly turns = new ChannelTurns();
  private readonly patternLogs = new Map<RegisteredChannel, PatternLog>();

  /**
   * @param check throws while the hub does not run
   * @param definitions of the hub
   */
  constructor(
    private readonly target: PublishTarget,
    private readonly options: Pick<ResolvedOptions, 'payloadBytes' | 'serialize' | 'replicas'>,
    private readonly counters: Pick<HubCounters, 'published' | 'publishFailures'>,
    private readonly check: () => void,
    private readonly definitions = new ChannelDefinitions(),
  ) {}

  async publish(
    channel: ChannelLike,
    event: SseEventInput,
    options: PublishOptions = {},
  ): Promise<Published> {
    checkFields(event, EVENT_FIELDS);
    checkOptions('publish()', options, PUBLISH_OPTIONS);
    return this.sendOne(channel, this.prepare(channel, event, options));
  }

  /** Removes a key of a state channel. */
  async remove(channel: ChannelLike, key: string, options: RemoveOptions = {}): Promise<Published> {
    checkOptions('remove()', options, REMOVE_OPTIONS);
    const name = parseChannel(channel);
    const registered = this.definitions.of(channel, name);
    const state = toStateEntry(name, registered?.definition, key ?? '', false);
    const notice: MapNotice = { channel: name, removed: key };
    return this.sendOne(name, {
      channel: name,
      event: { kind: 'r', text: formatHubEvent(MAP_TYPE, notice) },
      ephemeral: false,
      idempotencyKey: parseIdempotencyKey(options.idempotencyKey),
      replicas: parseReplicas(options.replicas, false, this.options.replicas),
      history: registered?.definition.history,
      state: state!,
      copy: this.copyOf(registered, name, state),
    });
  }

  private async sendOne(channel: ChannelLike, prepared: Prepared): Promise<Published> {
    const isWaiting = prepared instanceof Promise;
    const name = isWaiting ? parseChannel(channel) : prepared.channel;
    // Not through one more function where nothing waits: each await costs a fiftieth of a publish.
    const inTurn = isWaiting || this.turns.isBusy(name);
    const [outcome] = await (inTurn ? this.sendInTurn([name], [prepared]) : this.send([prepared]));
    if ('error' in outcome!) throw outcome.error;
    return { id: this.target.idOf(name, outcome!) };
  }

  async publishMany(events: readonly ChannelEventInput<ChannelLike>[]): Promise<PublishResult[]> {
    if (!Array.isArray(events)) throw new InvalidArgumentError('publishMany() takes an array of events.');
    this.check();
    const results: PublishResult[] = [];
    const prepared: Prepared[] = [];
    const channels: string[] = [];
    const places: number[] = [];
    for (const [i, event] of events.entries()) {
      try {
        checkFields(event, MANY_FIELDS);
        prepared.push(this.prepare(event?.channel, event, event));
        channels.push(parseChannel(event.channel));
        places.push(i);
      } catch (error) {
        results[i] = { error: error as Error };
      }
    }
    const outcomes = prepared.length > 0 ? await this.sendInTurn(channels, prepared) : [];
    outcomes.forEach((outcome, i) => {
      results[places[i]!] =
        'error' in outcome ? { error: outcome.error } : { id: this.target.idOf(channels[i]!, outcome) };
    });
    return results;
  }

  /** @throws InvalidChannelError | InvalidEventError | InvalidEventDataError | PayloadTooLargeError */
  prepare(channel: ChannelLike, event: SseEventInput, options: PublishOptions = {}): Prepared {
    const name = parseChannel(channel);
    const registered = this.definitions.of(channel, name);
    const ephemeral = parseEphemeral(options.ephemeral ?? registered?.definition.ephemeral);
    const idempotencyKey = parseIdempotencyKey(options.idempotencyKey);
    const replicas = parseReplicas(options.replicas, ephemeral, this.options.replicas);
    const history = registered?.definition.history;
    const state = toStateEntry(name, registered?.definition, options.key, ephemeral);
    if (state) checkStateEvent(name, event);
    const copy = this.copyOf(registered, name, state);
    const rest = { ephemeral, idempotencyKey, replicas, history, ...(state && { state }), copy };
    const checked = registered ? registered.check(name, event) : event;
    if (checked instanceof Promise)
      return checked.then((event) => ({ channel: name, event: this.encode(event, name), ...rest }));
    // Last, since the serialize option is not called for an event that is not published.
    return { channel: name, event: this.encode(checked, name), ...rest };
  }

  /** Makes a publication of an event that the hub puts into a channel itself. */
  prepareHubEvent(channel: string, event: EventText): Publication {
    const registered = this.definitions.find(channel);
    const history = registered?.definition.history;
    const copy = this.copyOf(registered, channel);
    return { channel, event, ephemeral: false, idempotencyKey: undefined, history, copy };
  }

  /** The copy for listeners of a channel's definition, where it has any. */
  copyOf(
    registered: RegisteredChannel | undefined,
    channel: string,
    state?: StateEntry,
  ): EventCopy | undefined {
    if (!registered?.definition.listeners) return undefined;
    let log = this.patternLogs.get(registered);
    if (!log)
      this.patternLogs.set(registered, (log = new PatternLog(registered.definition, this.target.map)));
    return log.copyOf(channel, state);
  }

  /**
   * Sends what is prepared, after what was to be sent to the same channels before.
   *
   * @returns an outcome of each; that of one which could not be prepared is its error
   */
  private async sendInTurn(
    channels: readonly string[],
    prepared: readonly Prepared[],
  ): Promise<PublishOutcome[]> {
    const isWaiting = prepared.some((one) => one instanceof Promise);
    if (!isWaiting && !channels.some((name) => this.turns.isBusy(name)))
      return this.send(prepared as readonly Publication[]);
    const outcomes: PublishOutcome[] = [];
    let sending: Promise<PublishOutcome[]> | undefined;
    const places: number[] = [];
    await this.turns.run(channels, settleAll(prepared), (settled) => {
      const publications: Publication[] = [];
      for (const [i, result] of settled.entries()) {
        if (result.status === 'rejected') {
          outcomes[i] = { error: result.reason as Error };
        } else {
          publications.push(result.value);
          places.push(i);
        }
      }
      // Called here, since the broker keeps the order of calls; awaited when the next turn has begun.
      if (publications.length > 0) sending = this.send(publications);
      sending?.catch(() => undefined);
    });
    (await sending)?.forEach((outcome, i) => (outcomes[places[i]!] = outcome));
    return outcomes;
  }

  async send(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    this.check();
    const outcomes = await this.target.publish(publications);
    for (const outcome of outcomes) {
      if ('error' in outcome) this.counters.publishFailures++;
      else this.counters.published++;
    }
    return outcomes;
  }

  /** The event for one connection. @throws InvalidEventError | PayloadTooLargeError */
  encodeMessage(event: SseEventInput): EventText {
    checkFields(event, EVENT_FIELDS);
    return this.encode(event, undefined);
  }

  /** @param channel undefined for an event that is sent to one connection */
  encode(event: SseEventInput, channel: string | undefined): EventText {
    const { payloadBytes, serialize } = this.options;
    if (!serialize) return encodeEvent(event, payloadBytes);
    return encodeEvent(event, payloadBytes, (data) => serializeData(serialize, data, channel));
  }
}

function settleAll(prepared: readonly Prepared[]): Promise<PromiseSettledResult<Publication>[]> {
  return Promise.allSettled(prepared.map((one) => Promise.resolve(one)));
}

/** @throws InvalidEventError for a field that would be lost, as `id` and `retry` of Nest's `MessageEvent` */
function checkFields(event: object, known: ReadonlySet<string>): void {
  if (typeof event !== 'object' || event === null) return;
  handleRejection(event);
  const unknown = findUnknownField(event, known);
  if (unknown === undefined) return;
  const hint = unknown === 'id' || unknown === 'retry' ? NO_ID : '';
  throw new InvalidEventError(
    `An event has no ${JSON.stringify(unknown)} here, it has ${[...known].join(', ')}.${hint}`,
  );
}

/** Anything else would count as false, and be kept. */
function parseEphemeral(ephemeral: boolean | undefined): boolean {
  if (ephemeral === undefined || typeof ephemeral === 'boolean') return ephemeral ?? false;
  throw new InvalidEventError(`ephemeral takes true or false, it got ${describeValue(ephemeral)}.`);
}

/** Of an ephemeral event, which is stored nowhere, no replica has anything. */
function parseReplicas(replicas: number | undefined, ephemeral: boolean, fallback: number): number {
  if (replicas === undefined) return ephemeral ? 0 : fallback;
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > MAX_REPLICAS) {
    throw new InvalidEventError(`replicas is an integer from 0 to ${MAX_REPLICAS}.`);
  }
  if (ephemeral && replicas > 0)
    throw new InvalidEventError('An ephemeral event is stored nowhere: leave out replicas, or ephemeral.');
  return replicas;
}

function parseIdempotencyKey(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length > 0 && key.length <= MAX_KEY_LENGTH && key.isWellFormed())
    return key;
  throw new InvalidEventError(`An idempotency key is a string of 1 to ${MAX_KEY_LENGTH} characters.`);
}
