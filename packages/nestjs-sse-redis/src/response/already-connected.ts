import { Logger } from '@nestjs/common';
import { AlreadyConnectedError } from '../errors/already-connected.error.js';

/** The error for a response that has a stream already. Nest answers it with 500 and does not log it; the developer must see it. */
export function alreadyConnected(): AlreadyConnectedError {
  const error = new AlreadyConnectedError();
  new Logger('SseHub').error(error.message, error.stack);
  return error;
}
