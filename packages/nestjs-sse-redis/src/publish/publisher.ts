import type { Publication, Published as Place, PublishOutcome } from '../broker/broker.interface.js';
import type { HubCounters } from '../delivery/hub-counters.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { parseChannel } from '../event/channel-name.js';
import { encodeEvent, type EventText } from '../event/event-text.js';
import type { SseEventInput } from '../event/sse-event.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { PipePublisher } from './pipes.js';
import type { ChannelEventInput, Published, PublishOptions, PublishResult } from './publish.types.js';
import { serializeData } from './serialize-data.js';
import { MAX_REPLICAS } from '../options/option-table.js';
import { checkOptions, findUnknownField } from '../event/known-options.js';

const MAX_KEY_LENGTH = 256;

const EVENT_FIELDS = new Set(['type', 'data']);
const PUBLISH_OPTIONS = new Set(['idempotencyKey', 'ephemeral', 'replicas']);
const MANY_FIELDS = new Set(['channel', ...EVENT_FIELDS, ...PUBLISH_OPTIONS]);
const NO_ID = ' The hub gives each event its id, and each connection its retry time: leave them out.';

/** Where events are published. */
export interface PublishTarget {
  /** Never rejects: each publication has an outcome of its own. */
  publish(publications: readonly Publication[]): Promise<PublishOutcome[]>;
  /** The id of an event that was published. */
  idOf(channel: string, published: Place): string;
}

/** Checks, encodes and publishes events. */
export class Publisher implements PipePublisher {
  /** @param check throws while the hub does not run */
  constructor(
    private readonly target: PublishTarget,
    private readonly options: Pick<ResolvedOptions, 'payloadBytes' | 'serialize' | 'replicas'>,
    private readonly counters: Pick<HubCounters, 'published' | 'publishFailures'>,
    private readonly check: () => void,
  ) {}

  async publish(channel: string, event: SseEventInput, options: PublishOptions): Promise<Published> {
    checkFields(event, EVENT_FIELDS);
    checkOptions('publish()', options, PUBLISH_OPTIONS);
    const [outcome] = await this.send([this.prepare(channel, event, options)]);
    if ('error' in outcome!) throw outcome.error;
    return { id: this.target.idOf(channel, outcome!) };
  }

  async publishMany(events: readonly ChannelEventInput[]): Promise<PublishResult[]> {
    if (!Array.isArray(events)) throw new InvalidArgumentError('publishMany() takes an array of events.');
    this.check();
    const results: PublishResult[] = [];
    const publications: Publication[] = [];
    const places: number[] = [];
    for (const [i, event] of events.entries()) {
      try {
        checkFields(event, MANY_FIELDS);
        publications.push(this.prepare(event?.channel, event, event));
        places.push(i);
      } catch (error) {
        results[i] = { error: error as Error };
      }
    }
    const outcomes = publications.length > 0 ? await this.send(publications) : [];
    outcomes.forEach((outcome, i) => {
      results[places[i]!] =
        'error' in outcome ? outcome : { id: this.target.idOf(publications[i]!.channel, outcome) };
    });
    return results;
  }

  /** @throws InvalidChannelError | InvalidEventError | PayloadTooLargeError */
  prepare(channel: string, event: SseEventInput, options: PublishOptions = {}): Publication {
    const name = parseChannel(channel);
    const ephemeral = parseEphemeral(options.ephemeral);
    const idempotencyKey = parseIdempotencyKey(options.idempotencyKey);
    const replicas = parseReplicas(options, this.options.replicas);
    // Last, since the serialize option is not called for an event that is not published.
    return {
      channel: name,
      event: this.encode(event, name),
      ephemeral,
      idempotencyKey,
      replicas,
    };
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

/** @throws InvalidEventError for a field that would be lost, as `id` and `retry` of Nest's `MessageEvent` */
function checkFields(event: object, known: ReadonlySet<string>): void {
  if (typeof event !== 'object' || event === null) return;
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
  throw new InvalidEventError(`ephemeral takes true or false, it got ${String(ephemeral)}.`);
}

/** Of an ephemeral event, which is stored nowhere, no replica has anything. */
function parseReplicas({ replicas, ephemeral }: PublishOptions, fallback: number): number {
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
