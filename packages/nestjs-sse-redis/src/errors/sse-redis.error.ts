/**
 * The base class of every error of this module, for one `instanceof`.
 *
 * `statusCode`, `status` and `expose` are the signature of http-errors, which Nest's own exception filter knows: where
 * such an error leaves a handler uncaught, it answers this status, and tells the client its words only below 500.
 */
export abstract class SseRedisError extends Error {
  /** Names the cause; stable across versions. */
  abstract readonly code: string;
  readonly statusCode: number = 500;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }

  get status(): number {
    return this.statusCode;
  }

  get expose(): boolean {
    return this.statusCode < 500;
  }
}
