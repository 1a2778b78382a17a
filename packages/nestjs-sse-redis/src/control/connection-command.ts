import type { LimitScope, OldestConnection } from '../clients/limit-scope.js';

/** Which connections, in whatever process they are. */
export type ConnectionTarget =
  | { readonly connection: string }
  | { readonly user: string }
  | { readonly channel: string }
  | { readonly node: string };

/** Something that one process asks of others, about connections. */
export type ConnectionCommand =
  | { readonly type: 'send'; readonly target: ConnectionTarget; readonly text: string }
  | {
      readonly type: 'disconnect';
      readonly target: ConnectionTarget;
      readonly reason: string;
      readonly reconnect: boolean;
    }
  | {
      readonly type: 'subscribe';
      readonly target: ConnectionTarget;
      readonly channels: readonly string[];
      readonly after?: number | undefined;
      /** On which `after` was given out. */
      readonly line?: number | undefined;
      /** Channels that later commands add, each group after its own position: all come, or none where the limit is passed. */
      readonly later?: readonly string[];
      readonly secret?: string | undefined;
      /** The client's number of this change, which its stream repeats where it has taken effect. */
      readonly change?: number | undefined;
    }
  | {
      readonly type: 'unsubscribe';
      readonly target: ConnectionTarget;
      readonly channels: readonly string[];
      readonly secret?: string | undefined;
      readonly change?: number | undefined;
    }
  /** Closes those of the oldest whose clients are gone. */
  | { readonly type: 'prove'; readonly target: LimitScope }
  /** Names the oldest. */
  | { readonly type: 'find-oldest'; readonly target: LimitScope }
  /** Closes one for good, to make room. */
  | { readonly type: 'replace'; readonly target: { readonly connection: string } }
  | { readonly type: 'reauthorize'; readonly target: ConnectionTarget | undefined };

/** Something that one process asks of another. */
export type NodeCommand =
  | ConnectionCommand
  /** Ends a run, by its id. */
  | { readonly type: 'stop-run'; readonly run: string };

/** The result of a command in one process. */
export interface CommandResult {
  /** How many connections it was done to; of `stop-run`: 1 if the process had the run. */
  readonly connections: number;
  /** Channels that were refused to one of them. */
  readonly refused: readonly string[];
  /** Of `prove`: their ids. */
  readonly gone?: readonly string[];
  /** Of `find-oldest`. */
  readonly oldest?: OldestConnection | undefined;
  /** It could not be done. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** The node in whose process a connection is. */
export function getNodeId(connectionId: string): string {
  return connectionId.slice(0, Math.max(0, connectionId.indexOf('.')));
}
