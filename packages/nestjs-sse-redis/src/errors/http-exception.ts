import type { HttpException } from '@nestjs/common';

/**
 * Stands for Nest's `HttpException` at run time, so that errors can be made where Nest is not installed, or not loaded.
 *
 * @see linkToHttpException
 */
class StandIn extends Error {
  constructor(
    readonly response: string,
    readonly status: number,
    readonly options?: ErrorOptions,
  ) {
    super(response);
    this.name = new.target.name;
  }

  getStatus(): number {
    return this.status;
  }

  getResponse(): unknown {
    return this.response;
  }
}

/** The base class of errors that Nest is to take for an `HttpException`. */
export const HttpExceptionBase = StandIn as unknown as typeof HttpException;

/**
 * Makes all errors of this package instances of Nest's class, those that exist already included. The module and the main entry point call
 * it: an application catches the errors with its filters, and Nest answers with their status.
 */
export function linkToHttpException(httpException: typeof HttpException): void {
  Object.setPrototypeOf(StandIn.prototype, httpException.prototype);
}
