import { Inject, Injectable, Logger, type Type } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, ModulesContainer } from '@nestjs/core';
import { SseHub } from '../hub/sse-hub.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { findBoundInterceptors, type BoundInterceptor } from './bound-interceptors.js';
import { describeOtherAnswer } from './other-answers.js';
import { SseClientPipe } from './sse-client.pipe.js';
import { SseRunGuard } from './sse-run.guard.js';
import { StreamRequestPipe } from './stream-request.pipe.js';
import { findStreamRoutes, type StreamRoute } from './stream-routes.js';

type Controller = ReturnType<DiscoveryService['getControllers']>[number];

/**
 * Says at the start on which stream routes interceptors are bound. A team that binds one expects it to transform what
 * clients get, but the frames of the hub go past Nest's Observable. Nor do clients get anything from a route that answers something else.
 */
@Injectable()
export class InterceptorNotice {
  private readonly logger = new Logger('SseHub');
  private readonly discovery: DiscoveryService;

  constructor(
    @Inject(SseHub) private readonly hub: SseHub,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.discovery = new DiscoveryService(modules);
  }

  /**
   * Logs one line for each route of this hub on which an interceptor is bound: at WARN where fields leak, else at LOG. Logs one at WARN for
   * each that answers in the place of its stream.
   * Nest binds the interceptors of a route before `onModuleInit`, so from then on all of them are known.
   */
  log(): void {
    for (const controller of this.discovery.getControllers().filter((one) => this.isOnThisHub(one))) {
      for (const route of findStreamRoutes(controller.metatype as Type<unknown>)) this.logRoute(route);
    }
  }

  private logRoute(route: StreamRoute): void {
    const answer = describeOtherAnswer(route);
    if (answer !== undefined) this.logger.warn(`${route.name} ${answer}`);
    const bound = findBoundInterceptors(route, this.config);
    if (bound.length === 0) return;
    const labels = bound.map(({ label }) => label).join(', ');
    const text = `${route.name} has ${labels}: interceptors and operators do not see the events of the hub.`;
    if (this.options.serialize) this.logger.log(`${text} The serialize option transforms them.`);
    else if (bound.some(({ hidesFields }) => hidesFields)) this.logger.warn(`${text} ${describeLeak(bound)}`);
    else this.logger.log(`${text} ${ADVICE}`);
  }

  /** Several hubs may serve one application. A route is on the hub that Nest injects into what our decorators bind to it. */
  private isOnThisHub({ host }: Controller): boolean {
    return [SseClientPipe, StreamRequestPipe, SseRunGuard].some((token) => {
      const instance = host?.injectables.get(token)?.instance as { hub: SseHub } | undefined;
      return instance?.hub === this.hub;
    });
  }
}

const ADVICE =
  'To transform what is published, set the serialize option of SseRedisModule, or make a stream of hub.events().';

function describeLeak(bound: readonly BoundInterceptor[]): string {
  const labels = bound.filter(({ hidesFields }) => hidesFields).map(({ label }) => label);
  return `Fields that ${labels.join(', ')} would hide reach the clients. Set the serialize option of SseRedisModule, such as serialize: (data) => instanceToPlain(data).`;
}
