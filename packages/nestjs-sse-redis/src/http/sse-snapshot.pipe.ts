import { Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { SseHub } from '../hub/sse-hub.js';
import { OfExchange, type HttpExchange } from './sse-client.pipe.js';

/** The header with the position of a snapshot. */
export const CURSOR_HEADER = 'Sse-Cursor';

/** Puts the position of now into the answer's header, before the handler reads the state. */
@Injectable()
export class SseSnapshotPipe implements PipeTransform<HttpExchange, Promise<void>> {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  async transform({ response }: HttpExchange): Promise<void> {
    const cursor = await this.hub.cursor();
    if (!response.headersSent) response.setHeader(CURSOR_HEADER, cursor);
  }
}

/** Runs the pipe ahead of a handler. */
export const InjectSnapshot = (): ParameterDecorator => OfExchange(SseSnapshotPipe);
