import {
  Catch,
  ConflictException,
  ForbiddenException,
  Injectable,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { map, mergeWith, type Observable } from 'rxjs';
import { stageOf } from './stage.js';

/** Keeps an EventSource alive: it answers with an event stream that says why, and has an id of its own. */
@Catch(ConflictException)
export class StreamFilter implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
    const raw = response.raw ?? response;
    raw.writeHead(200, { 'content-type': 'text/event-stream' });
    raw.write('retry: 5\nid: 5\nevent: sorry\n');
    raw.end('data: later\n\n');
  }
}

/** Throws while the stream goes on. */
@Injectable()
export class ThrowingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { act } = stageOf('interceptor-throws');
    const thrown = act.pipe(
      map(() => {
        throw new ForbiddenException('no longer');
      }),
    );
    return next.handle().pipe(mergeWith(thrown));
  }
}
