import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { SseHub } from '../hub/sse-hub.js';

/**
 * Tells `@nestjs/terminus` how the hub of this process is. Put it among the `providers` of a module that imports
 * `TerminusModule` and `SseRedisModule`.
 *
 * @example
 * ```ts
 * @Get('ready') @HealthCheck()
 * ready() { return this.health.check([() => this.sse.readiness()]); }
 *
 * @Get('live') @HealthCheck()
 * live() { return this.health.check([() => this.sse.liveness()]); }
 * ```
 */
@Injectable()
export class SseHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly health: HealthIndicatorService,
    @Inject(SseHub) private readonly hub: SseHub,
  ) {}

  /** Whether new streams belong here: Redis answers and takes writes, what is published is proven to arrive, and it is not being shut down. */
  async readiness<const Key extends string = 'sse'>(
    key: Key = 'sse' as Key,
  ): Promise<HealthIndicatorResult<Key>> {
    const { ready, problems } = await this.hub.readiness();
    const { connections, channels } = this.hub.stats();
    const check = this.health.check(key);
    return ready ? check.up({ connections, channels }) : check.down({ problems, connections });
  }

  /**
   * Whether the process should be left alone: true as long as the hub is not closed. A Redis that is away is no reason
   * to restart: all clients of the process would have to reconnect, and it comes back by itself.
   */
  liveness<const Key extends string = 'sse'>(key: Key = 'sse' as Key): HealthIndicatorResult<Key> {
    const check = this.health.check(key);
    return this.hub.isClosed ? check.down({ problems: ['the hub is closed'] }) : check.up();
  }
}
