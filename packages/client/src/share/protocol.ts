import type { ConnectionState } from '../connection/connection-state.js';
import type { StreamEvent } from '../connection/stream-event.js';
import type { RefusalReason } from '../stream/event-stream.interface.js';

/**
 * The version of the messages between tabs. It is part of all names: pages of two releases that do not understand each other have a
 * stream each, until the older ones have been reloaded.
 */
export const PROTOCOL = 3;

/** A channel that a tab needs, and the id after which it begins; null: from now on. */
export type Want = readonly [channel: string, after: string | null];

/** An event on its way to the tabs. */
export interface SharedEvent extends StreamEvent {
  /** Whether the route itself names the channel: then it is for all tabs. */
  readonly everyone: boolean;
}

/** A tab makes itself known to a host, with all that it needs and the point up to which it has it. */
export interface JoinMessage {
  readonly kind: 'join';
  readonly tab: string;
  /** To which host; undefined: to any. */
  readonly host: string | undefined;
  /** How often the tab has turned to a host: an answer to an earlier join says nothing of what the tab has now. */
  readonly round: number;
  readonly wants: readonly Want[];
  /** The last event id of the stream, as the tab has it. */
  readonly from: string | null;
  /** Types of events that the tab listens to, for `EventSource`. */
  readonly types: readonly string[];
}

export interface ChangeMessage {
  readonly kind: 'change';
  readonly tab: string;
  readonly add: readonly Want[];
  readonly remove: readonly string[];
  readonly types: readonly string[];
}

/** What a tab says besides. `claimed`: a host of a newer generation is known to it. */
export type TabSignal =
  | { readonly kind: 'leave' | 'ping' | 'reconnect'; readonly tab: string }
  | { readonly kind: 'claimed'; readonly tab: string; readonly generation: number };

/** Each message of a host has the next number, so that a tab sees that it lacks one. */
interface FromHost {
  readonly host: string;
  readonly generation: number;
  readonly seq: number;
}

/** A host begins. All tabs join it, and hear no older one any more. */
export interface ClaimMessage extends FromHost {
  readonly kind: 'claim';
  readonly inWorker: boolean;
}

/** The answer to a tab that has joined, or has added channels. */
export interface WelcomeMessage extends FromHost {
  readonly kind: 'welcome';
  readonly tab: string;
  /** Of the join that it answers. */
  readonly round: number;
  readonly state: ConnectionState;
  /** The stream's last event id. */
  readonly position: string | null;
  /** The channels that go on for this tab from here, each with the id of the last event that it has after `replay`. */
  readonly channels: readonly Want[];
  /** What the tab lacks, of what the host still holds. */
  readonly replay: readonly SharedEvent[];
  readonly inWorker: boolean;
}

/** Without events, it answers a `ping`. */
export interface EventsMessage extends FromHost {
  readonly kind: 'events';
  readonly events: readonly SharedEvent[];
  /** The stream's last event id behind them. */
  readonly position: string | null;
  /** The id up to which channels that were added have come, where they are covered. */
  readonly upTo: string | null;
  /** The channels that are covered: they have everything up to there; left out where these are as before. */
  readonly covered?: readonly string[] | undefined;
}

export interface StateMessage extends FromHost {
  readonly kind: 'state';
  readonly state: ConnectionState;
}

export interface RefusedMessage extends FromHost {
  readonly kind: 'refused';
  readonly channel: string;
  readonly reason?: RefusalReason | undefined;
}

export type TabMessage = JoinMessage | ChangeMessage | TabSignal;
export type HostMessage = ClaimMessage | WelcomeMessage | EventsMessage | StateMessage | RefusedMessage;
export type ShareMessage = TabMessage | HostMessage;

type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';
const isBoolean: Check = (value) => typeof value === 'boolean';
const isStringOrNull: Check = (value) => value === null || isString(value);
const isState: Check = (value) => isRecord(value) && isString(value['status']);
const isWant: Check = (value) =>
  Array.isArray(value) && value.length === 2 && isString(value[0]) && isStringOrNull(value[1]);
const isEvent: Check = (value) =>
  isRecord(value) &&
  isString(value['type']) &&
  isString(value['data']) &&
  isString(value['id']) &&
  isBoolean(value['everyone']) &&
  [value['channel'], value['key']].every((text) => text === undefined || isString(text));

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const TAB = { tab: isString };
const HOST = { host: isString, generation: isNumber, seq: isNumber };

/** The fields of each kind of message. Any script of the origin can send into the channel: a wrong shape is no message. */
const SHAPES: Record<ShareMessage['kind'], Record<string, Check>> = {
  join: {
    ...TAB,
    round: isNumber,
    wants: listOf(isWant),
    from: isStringOrNull,
    types: listOf(isString),
    host: (value) => value === undefined || isString(value),
  },
  change: { ...TAB, add: listOf(isWant), remove: listOf(isString), types: listOf(isString) },
  leave: TAB,
  ping: TAB,
  reconnect: TAB,
  claimed: { ...TAB, generation: isNumber },
  claim: { ...HOST, inWorker: isBoolean },
  welcome: {
    ...HOST,
    ...TAB,
    round: isNumber,
    state: isState,
    position: isStringOrNull,
    channels: listOf(isWant),
    replay: listOf(isEvent),
    inWorker: isBoolean,
  },
  events: {
    ...HOST,
    events: listOf(isEvent),
    position: isStringOrNull,
    upTo: isStringOrNull,
    covered: (value) => value === undefined || listOf(isString)(value),
  },
  state: { ...HOST, state: isState },
  refused: { ...HOST, channel: isString },
};

/** @returns undefined where it is no message of this protocol */
export function parseShareMessage(value: unknown): ShareMessage | undefined {
  if (!isRecord(value) || !isString(value['kind'])) return undefined;
  const kind = value['kind'] as string;
  const shape = Object.hasOwn(SHAPES, kind) ? SHAPES[kind as ShareMessage['kind']] : undefined;
  if (!shape || !Object.entries(shape).every(([field, check]) => check(value[field]))) return undefined;
  return value as unknown as ShareMessage;
}

export function isFromHost(message: ShareMessage): message is HostMessage {
  return 'host' in message && 'seq' in message;
}
