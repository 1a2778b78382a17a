import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { forEachAdapter, RedisServer, startApp, until } from '@nestjs-sse-redis/testing';
import { SseRedisModule } from 'nestjs-sse-redis';
import { SseHealthIndicator } from '../../src/health/index.js';

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly sse: SseHealthIndicator,
  ) {}

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.sse.readiness()]);
  }

  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.sse.liveness('hub')]);
  }
}

forEachAdapter((adapter) => {
  it('tells Terminus whether new streams belong here, and that a lost Redis is no reason to restart', async () => {
    const redis = await RedisServer.start();
    const { url, close } = await startApp(
      {
        imports: [
          TerminusModule.forRoot({ logger: false }),
          SseRedisModule.forRoot({ redis: redis.url, publishTimeout: 2_000, probeInterval: 500 }),
        ],
        controllers: [HealthController],
        providers: [SseHealthIndicator],
      },
      adapter,
    );
    const ask = async (path: string) => {
      const response = await fetch(`${url}/${path}`);
      const body = (await response.json()) as {
        info: object;
        error: Record<string, { problems?: string[] }>;
      };
      return { ...body, status: response.status };
    };

    // A process that was kept from its processor for three probes is not ready, rightly, until the next is proven.
    const up = await until(async () => {
      const answer = await ask('ready');
      return answer.status === 200 && answer;
    });
    expect(up.info).toEqual({ sse: { status: 'up', connections: 0, channels: 0 } });
    await redis.kill();
    await until(async () => {
      const { status, error } = await ask('ready');
      return status === 503 && error['sse']!.problems?.includes('the subscription in Redis is lost');
    });
    expect(await ask('live')).toMatchObject({ status: 200, info: { hub: { status: 'up' } } });
    await redis.restart();
    await until(async () => (await ask('ready')).status === 200);
    // Up, but deaf: nothing that is published comes back.
    redis.pause();
    await until(async () => (await ask('ready')).status === 503, { timeout: 20_000 });
    redis.resume();
    await until(async () => (await ask('ready')).status === 200, { timeout: 20_000 });
    await close();
    await redis.stop();
  });
});
