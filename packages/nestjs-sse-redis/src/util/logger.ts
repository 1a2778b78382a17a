/** Where lines of a log go. Nest's `Logger` is one. */
export interface LogWriter {
  log(text: string): void;
  warn(text: string): void;
  /** @param stack of what was thrown */
  error(text: string, stack?: string): void;
  debug(text: string): void;
}

const STACK = /\n\s*at /;

type CreateWriter = (context: string) => LogWriter;

let createWriter: CreateWriter = toConsole;

/**
 * Sends what this package logs elsewhere from now on, also through loggers that exist.
 *
 * @example useLogWriter((context) => new NestLogger(context));
 */
export function useLogWriter(create: CreateWriter): void {
  createWriter = create;
}

/** A logger for code that runs without Nest, too: it writes to the console there, and to Nest's logger in an application. */
export class Logger implements LogWriter {
  private writer: LogWriter | undefined;
  private madeBy: CreateWriter | undefined;

  /** @param context the name of the part that writes */
  constructor(private readonly context: string) {}

  log(text: string): void {
    this.current.log(text);
  }

  warn(text: string): void {
    this.current.warn(text);
  }

  error(text: string, stack?: string): void {
    // Nest takes a second argument for a stack, also one that is undefined. nestjs-pino drops it where it is none.
    if (stack === undefined) this.current.error(text);
    else if (!STACK.test(stack)) this.current.error(`${text} ${stack}`);
    else this.current.error(text, stack);
  }

  debug(text: string): void {
    this.current.debug(text);
  }

  /** Made late: the module of an application may be loaded after this logger was made. */
  private get current(): LogWriter {
    if (!this.writer || this.madeBy !== createWriter) {
      this.madeBy = createWriter;
      this.writer = createWriter(this.context);
    }
    return this.writer;
  }
}

/* oxlint-disable no-console -- a worker without Nest has no other log */
function toConsole(context: string): LogWriter {
  return {
    log: (text) => console.info(`[${context}] ${text}`),
    warn: (text) => console.warn(`[${context}] ${text}`),
    error: (text, stack) => console.error(`[${context}] ${text}`, ...(stack === undefined ? [] : [stack])),
    // Each attempt to connect would be a line.
    debug: () => undefined,
  };
}
/* oxlint-enable no-console */
