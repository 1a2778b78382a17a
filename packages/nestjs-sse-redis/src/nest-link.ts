import { HttpException, Logger } from '@nestjs/common';
import { linkToHttpException } from './errors/http-exception.js';
import { useLogWriter } from './util/logger.js';

/**
 * Makes of this package a part of Nest: errors are `HttpException`s, and lines go to Nest's log. `nestjs-sse-redis/publisher` goes without.
 *
 * Bundlers keep this file, since `sideEffects` in package.json names it and `index.js`: whoever imports an error alone wants it to be
 * Nest's as well.
 */
export function linkToNest(): void {
  linkToHttpException(HttpException);
  useLogWriter((context) => new Logger(context));
}

linkToNest();
