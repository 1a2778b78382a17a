import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { findUnknownField } from '../event/known-options.js';

/** Options of `@OnSseEvent()`. */
export interface SseListenerOptions {
  /**
   * Where an event is handled. `'node'`: in each process, from its start on, such as to forget what it has cached. `'cluster'`: in one
   * process, whichever lives, such as to send a mail; another one goes on where that process dies. There is no default: nobody but the
   * application knows which is right.
   */
  readonly once: 'node' | 'cluster';
  /**
   * With `once: 'cluster'`: under which name the position is kept, the same in all processes and all releases. Two processes whose
   * listeners have the same name share the events between them; within a process a second method of that name on the same channel is
   * refused. Default: the names of class and method, which do not last where a bundler shortens them.
   */
  readonly name?: string;
  /** How often the method is called with an event, where it throws. After that the event is logged and left. Default 5, from 1 to 100. */
  readonly attempts?: number;
}

/** Options with their defaults. */
export interface ResolvedListenerOptions extends Required<SseListenerOptions> {
  /** The application has chosen the name. */
  readonly isNamed: boolean;
}

const KNOWN: ReadonlySet<string> = new Set(['once', 'name', 'attempts']);
const MAX_ATTEMPTS = 100;
/** Of a channel's name there remains enough for that of the listened channel. */
const NAME = /^[^\p{Cc}]{1,120}$/u;

/** @param method for messages, and the default name @throws InvalidOptionsError */
export function resolveListenerOptions(method: string, options: SseListenerOptions): ResolvedListenerOptions {
  const problem = findProblem(options);
  if (problem !== undefined) throw new InvalidOptionsError(`@OnSseEvent() of ${method}(): ${problem}.`);
  const { once, name = method, attempts = 5 } = options;
  return { once, name, attempts, isNamed: options.name !== undefined };
}

function findProblem(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null)
    return "the second argument takes { once: 'cluster' } or { once: 'node' }";
  const unknown = findUnknownField(options, KNOWN);
  if (unknown !== undefined)
    return `there is no option ${JSON.stringify(unknown)} (there are ${[...KNOWN].join(', ')})`;
  const { once, name, attempts } = options as Record<string, unknown>;
  if (once !== 'node' && once !== 'cluster')
    return "once takes 'cluster' (one process handles an event) or 'node' (each process does)";
  if (name !== undefined && (typeof name !== 'string' || !NAME.test(name)))
    return 'name takes 1 to 120 characters, none of them a control character';
  const isCount = Number.isInteger(attempts) && (attempts as number) >= 1;
  if (attempts !== undefined && !(isCount && (attempts as number) <= MAX_ATTEMPTS))
    return `attempts takes a whole number from 1 to ${MAX_ATTEMPTS}`;
  return undefined;
}
