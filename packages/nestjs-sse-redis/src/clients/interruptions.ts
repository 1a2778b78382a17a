import { Logger } from '@nestjs/common';

const logger = new Logger('SseHub');

/** Reports streams that the application ends while events flow: each route once. */
export class Interruptions {
  private readonly reported = new Set<string>();

  /** @param route as `GET /orders/:id`; undefined if it is not known */
  report(route: string | undefined): void {
    const name = route ?? 'a route';
    if (this.reported.has(name)) return;
    this.reported.add(name);
    logger.warn(
      `The application ended a stream of ${name} while events flowed. A likely cause is an interceptor with a timeout: it does not see the events, which go straight to the response. Exempt the route from the interceptor (README, "Interceptors and operators"). Clients come back and miss nothing. This is reported once for each route.`,
    );
  }
}
