import {
  Injectable,
  RequestTimeoutException,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { catchError, throwError, timeout, TimeoutError, type Observable } from 'rxjs';

const NO_TIMEOUT = 'no-timeout';

/** Exempts a route, as the README shows it. */
export const NoTimeout = (): MethodDecorator => SetMetadata(NO_TIMEOUT, true);

/** ms; long enough for a busy machine to open a stream. */
const TIMEOUT = 500;

/** Nest's own of its documentation ("Interceptors", "More operators"), with the README's way to exempt routes. */
@Injectable()
export class TimeoutInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (Reflect.getMetadata(NO_TIMEOUT, context.getHandler())) return next.handle();
    return next.handle().pipe(
      timeout(TIMEOUT),
      catchError((error: unknown) =>
        throwError(() => (error instanceof TimeoutError ? new RequestTimeoutException() : (error as Error))),
      ),
    );
  }
}
