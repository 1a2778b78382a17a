import type { EventRecord } from '../event/event-record.js';
import type { EventText } from '../event/event-text.js';
import type { Position } from '../event/position.js';
import type { Pause } from '../util/waits.js';
import type { EventCopy } from './event-copy.js';
import type { LogHistory } from './log-history.interface.js';
import type { RegistryStore } from './registry-store.interface.js';
import type { RunFence, RunStore } from './run-store.interface.js';

/** An event on its way into a channel. */
export interface Publication {
  readonly channel: string;
  readonly event: EventText;
  /** Announced, but in no log. */
  readonly ephemeral: boolean;
  readonly idempotencyKey: string | undefined;
  /** How many replicas are to have it before it counts as published. Default: 0. */
  readonly replicas?: number;
  /** What the channel's log keeps from now on. Default: as the options say. */
  readonly history?: LogHistory | undefined;
  /** Of an event of a state channel: the place that it takes there. Where there is no room, the outcome is a `StateFullError`. */
  readonly state?: StateEntry;
  /** Stored and announced with it, in one step. */
  readonly copy?: EventCopy | undefined;
  /** Of an event of a run. Where the run is over, the outcome is a `RunEndedError`. */
  readonly run?: RunFence;
}

/** The place of an event of a state channel. An event of the kind `r` removes what has the key; where nothing has, nothing is stored. */
export interface StateEntry {
  /** As `encodeURIComponent` writes it. */
  readonly key: string;
  /** How many keys there may be. */
  readonly maxKeys: number;
}

/** Whether a channel is a state channel: its log has the newest event of each key. */
export type IsState = (channel: string) => boolean;

export const NO_STATE: IsState = () => false;

/** The outcome of a publication: its position, or why it has none. */
export type PublishOutcome = Published | { readonly error: Error };

/** A position, and the line on which it was acknowledged. That of a repeated publish may be of an earlier one. */
export interface Published {
  readonly position: Position;
  readonly line: number;
}

/** One channel to be read from after a cursor. */
export interface ReadRequest {
  readonly channel: string;
  readonly after: Position;
}

/** The part of a log after a cursor. */
export interface LogSlice {
  readonly channel: string;
  /** In order. Not necessarily all: see `upTo`. */
  readonly records: readonly EventRecord[];
  /** The slice holds every retained event of the channel after the cursor up to here. */
  readonly coveredUpTo: Position;
  /**
   * Nothing is missing for a cursor from here on; before it, events may have been trimmed, expired or lost. Of a state channel: removals
   * may be missing, or the whole map may be another one. The log from 0 on is whole there, as a map.
   */
  readonly logStart: Position;
  /** The same for who has no map, and wants to know whether it missed anything: earlier on state channels, else `logStart`. */
  readonly knownFrom: Position;
  /** The last position given out when this was read. */
  readonly head: Position;
  /** Of a state channel: there is no log, and so no key. */
  readonly isEmpty: boolean;
  /** The newest event of the channel is at or before the cursor, and ended the stream. */
  readonly ended: boolean;
}

/** A part of a channel's log: after one position, and up to another. */
export interface LogRange {
  readonly channel: string;
  readonly after: Position;
  readonly upTo: Position;
}

/** The events that a range of a log holds, by their two ends. */
export interface LogExtent {
  /** The first event; where older ones of the range were trimmed, the first position at which one can have been. */
  readonly first: Position;
  readonly last: Position;
}

/** The beginning of what is retained of a channel. */
export interface LogStart {
  /** All that is retained comes after this position. */
  readonly after: Position;
  /** There were older events. */
  readonly isTrimmed: boolean;
}

/** The events of a broker, for the hub. All calls come in the order in which things happened. */
export interface BrokerListener {
  /** An event of a subscribed channel. */
  announced(channel: string, record: EventRecord): void;
  /**
   * Every announcement of a subscribed channel before this position has been given to `announced`.
   *
   * @param lastEvent where it is known: no event of any channel lies between this position and the watermark
   */
  watermark(position: Position, lastEvent?: Position): void;
  /** The link is to be proven. A renewal of the lease does it at no further cost; else the broker does it by itself. */
  proofDue?(): void;
  /** Another node sent this one a message. */
  message(text: string): void;
  /** Announcements no longer arrive. */
  linkLost(): void;
  /** They arrive again, for all subscribed channels, from after this position on; what came between must be read. */
  linkRestored(position: Position, line: DataLine): void;
}

/** What a broker knows of its data set. */
export interface DataLine {
  /** Where it began new lines, the oldest first. */
  readonly forks: readonly Fork[];
  /** The number of the newest line, as ids have it; 0 before the first fork. */
  readonly line: number;
  /** Names the start of the server that the connection leads to; empty where that is not known. */
  readonly serverStart: string;
  /** From here on this Redis remembers the hub whole; 0 where that is not known. */
  readonly since: Position;
  /** The shard that ids name; undefined where the hub has but one. */
  readonly shard?: number | undefined;
}

/** A new line of the data set began: a replica was promoted, or a server restarted. */
export interface Fork {
  /** The data reached up to here. Whatever events came after it are those of the old line, and lost. */
  readonly from: Position;
  /** No event of the new line has an earlier position. */
  readonly began: Position;
  /** The number of the line that began, as ids have it; 0 where they have none. */
  readonly line: number;
  /** Names the start of the server that began it; empty where that is not known. */
  readonly serverStart: string;
}

/**
 * Where logs and live events live. One implementation is Redis, the other this process's memory; both pass the
 * same contract tests.
 *
 * Anything asked of Redis rejects with a `RedisUnavailableError` where it cannot be reached.
 */
export interface Broker {
  /** Connects. From here on the listener is called. Resolves to what it is connected to, for the log. */
  start(listener: BrokerListener): Promise<string>;
  /** Appends to the logs and announces, each in one atomic step, in the given order. */
  publish(publications: readonly Publication[]): Promise<PublishOutcome[]>;
  /** The last position given out. */
  position(): Promise<Position>;
  /** Resolves where what is published would be stored, as far as that can be known. @throws RedisUnavailableError | RedisRefusedError */
  checkWrites(): Promise<void>;
  /** One slice a request, in their order. Each has at least one record if the log has one after the cursor. */
  read(requests: readonly ReadRequest[], limits: ReadLimits): Promise<LogSlice[]>;
  /** The extent of the events in each range; undefined where there are none, at a cost that no record's size changes. */
  extents(ranges: readonly LogRange[]): Promise<(LogExtent | undefined)[]>;
  /** The position before the last `count` events of these channels together, as far as they are retained whole. */
  positionBefore(channels: readonly string[], count: number): Promise<Position>;
  /** Where logs begin; undefined of a channel without one. */
  logStarts(channels: readonly string[]): Promise<(LogStart | undefined)[]>;
  /** The positions of these events, the newest first, at a cost that no record's size changes. */
  lastPositions(channels: readonly string[], count: number): Promise<Position[]>;
  /** Resolves once announcements arrive, with a position taken after that. */
  subscribe(channel: string): Promise<Position>;
  unsubscribe(channel: string): void;
  /** The link leads to another server than commands: it is made anew. */
  renewLink(): void;
  /** Sends a message to a node. Resolves to how many hear it: 0 where the node is dead, or its link is lost. */
  send(node: string, message: string): Promise<number>;
  /** Waits before another attempt, up to so many ms. It is over as soon as a connection is there again. */
  readonly pause: Pause;
  /** Known from the first answer of a connection on. */
  readonly line: DataLine;
  /** Where connections are known to all processes. */
  readonly registry: RegistryStore;
  /** The runs of its channels. */
  readonly runs: RunStore;
  /** Why announcements do not arrive; undefined where they do, or the reason is not known. */
  readonly linkProblem: string | undefined;
  close(): Promise<void>;
}

export interface ReadLimits {
  /** The most records of one slice. */
  readonly records: number;
  /** About the most bytes of one slice. */
  readonly bytes: number;
}
