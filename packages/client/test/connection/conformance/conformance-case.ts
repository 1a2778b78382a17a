import type { RecordedConnection } from '../../fixtures/recorded-connection.js';

/** What the server sees of a request. */
export interface CaseRequest {
  /** Of this case, from 1 on. */
  readonly n: number;
  /** Decoded from UTF-8; undefined where there is none. */
  readonly lastEventId: string | undefined;
  readonly accept: string | undefined;
  readonly cacheControl: string | undefined;
  /** What follows the case in the path. */
  readonly rest: string;
}

/** What the server answers. Chunks are text, or bytes, and arrive one by one. */
export interface CaseAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly chunks?: readonly (string | readonly number[])[];
  /** Default true. */
  readonly ends?: boolean;
}

/** One sentence of the standard, tried in Node and in each browser. */
export interface ConformanceCase {
  readonly name: string;
  readonly answer: (request: CaseRequest) => CaseAnswer;
  /** Default: an event of the type `done` has come. */
  readonly until?: (recorded: RecordedConnection) => boolean;
  /** Default: the data of all events before it. */
  readonly result?: (recorded: RecordedConnection) => unknown;
  readonly expected: unknown;
}

export const DONE = '\nevent: done\ndata: done\n\n';

/** A stream of these chunks, and nothing else. */
export function streamOf(...chunks: (string | readonly number[])[]): () => CaseAnswer {
  return () => ({ chunks: [...chunks, DONE], ends: false });
}

/** The first answer, and one behind it that closes the case. */
export function firstThen(first: CaseAnswer, next: (request: CaseRequest) => CaseAnswer) {
  return (request: CaseRequest): CaseAnswer => (request.n === 1 ? first : next(request));
}

/** Says in an event with which id the client has come. */
export const tellId = ({ lastEventId }: CaseRequest): CaseAnswer => ({
  chunks: [`data: came with ${lastEventId ?? 'none'}\n\n`, DONE],
  ends: false,
});
