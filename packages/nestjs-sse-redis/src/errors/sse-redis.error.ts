import { STATUS_CODES } from 'node:http';
import type { SseRedisErrorCode } from './error-code.js';
import { HttpExceptionBase } from './http-exception.js';

/** The HTTP status of a class of errors: the one with which Nest answers where such an error leaves a handler. */
interface ErrorClass {
  readonly status: number;
}

/** The body of the answer to a request that failed with such an error. */
export interface SseRedisErrorResponse {
  readonly statusCode: number;
  /** The error's own below 500, else the standard phrase of the status. */
  readonly message: string;
  readonly code: SseRedisErrorCode;
}

/**
 * The base class of every error of this module, for one `instanceof`.
 *
 * In a Nest application it is an `HttpException`, so that exception filters, a catch-all one too, keep its status, and Nest does not
 * log what a client did wrong. The client sees the message only below 500, and always the `code`.
 */
export abstract class SseRedisError extends HttpExceptionBase {
  /** The HTTP status of the class. */
  static readonly status: number = 500;

  /** Names the cause; stable across versions. */
  abstract readonly code: SseRedisErrorCode;

  /** @param options `cause`: the error behind this one */
  constructor(message: string, options?: ErrorOptions) {
    super(message, (new.target as ErrorClass).status, options);
    if (options?.cause !== undefined) this.cause = options.cause;
    // In a log they would say the message twice.
    for (const field of ['status', 'options', 'cause'])
      if (Object.hasOwn(this, field)) Object.defineProperty(this, field, { enumerable: false });
    // As Nest's own errors have it: `@nestjs/graphql` takes an error for an HttpException by the `statusCode` in this field.
    // It is made when it is read: a subclass sets its code later. An application may put a body of its own there.
    let own: unknown;
    const response = { get: () => own ?? this.getResponse(), set: (body: unknown) => void (own = body) };
    Object.defineProperty(this, 'response', { ...response, enumerable: false, configurable: true });
  }

  /** The HTTP status of the answer, of the error's class. */
  get statusCode(): number {
    return this.getStatus();
  }

  /** The body of the answer. Nest calls it. */
  override getResponse(): SseRedisErrorResponse {
    const { statusCode, code } = this;
    const message = statusCode < 500 ? this.message : STATUS_CODES[statusCode]!;
    return { statusCode, message, code };
  }
}
