// For the tests, which are TypeScript; the page itself needs no types and no build step.
export declare function compareIds(a: string, b: string): number;

export interface LedgerEvent {
  channel: string;
  id: string;
  data?: unknown;
  ephemeral?: boolean;
}

export type Finding = 'ok' | 'lost' | 'told' | 'doubled' | 'disordered';

export interface Run {
  name: string;
  of: number;
  from: number;
  next: number;
  numbers: number[];
  lost: number;
  told: number;
  doubled: number;
  disordered: number;
}

export declare class Ledger {
  ids: Record<string, string[]>;
  runs: Map<string, Run>;
  counts: Record<'received' | 'lost' | 'doubled' | 'disordered' | 'gaps' | 'told', number>;
  cursor: string | undefined;
  joined: boolean;
  join(underWay?: readonly string[]): void;
  gap(told?: { id?: string; channel?: string }): void;
  receive(event: LedgerEvent): { kind: Finding; missing: number };
  get run(): Run | undefined;
  get verdict(): { state: 'idle' | 'running' | 'whole' | 'told' | 'broken'; text: string };
}
