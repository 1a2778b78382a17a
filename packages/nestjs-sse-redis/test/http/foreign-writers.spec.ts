import { forEachAdapter, startApp, type RunningApp, useRedis } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SseHub } from 'nestjs-sse-redis';
import { FrameWriter } from '../../src/response/frame-writer.js';
import { ResponseGuard } from '../../src/response/response-guard.js';
import { addMiddleware, foreignWritersModule } from './foreign-writers/foreign-writers.app.js';
import { travel, travelThroughTimeouts } from './foreign-writers/journey.js';
import { clearStages } from './foreign-writers/stage.js';
import { WAYS } from './foreign-writers/ways.js';

const redis = useRedis();

/** The guard sees everything, and lets it through. */
function lookAway(): void {
  jest.spyOn(ResponseGuard.prototype, 'takeWrite').mockImplementation(function (this: ResponseGuard, args) {
    return this.originalWrite.apply(this.response, args);
  });
  jest.spyOn(ResponseGuard.prototype, 'takeEnd').mockImplementation(function (this: ResponseGuard, args) {
    this.stream?.onEnd();
    return this.originalEnd.apply(this.response, args);
  });
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;

  beforeEach(async () => {
    clearStages();
    const module = foreignWritersModule({ redis: redis.url, prefix: randomUUID(), drain: { timeout: 100 } });
    running = await startApp(module, adapter, { configure: addMiddleware, application: { logger: false } });
    hub = running.app.get(SseHub);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  describe('brings a client back with the hub’s id, to every event once, after', () => {
    it.each(WAYS)('$name', async (way) => {
      await expect(travel(running.url, hub, way)).resolves.toBeUndefined();
    });

    it('a global TimeoutInterceptor as in Nest’s documentation, while events flow', async () => {
      await expect(travelThroughTimeouts(running.url, hub)).resolves.toBeUndefined();
    });
  });

  describe('loses the position without the guard (negative control): after', () => {
    it.each(WAYS.filter(({ writes }) => writes !== undefined))('$name', async (way) => {
      lookAway();
      await expect(travel(running.url, hub, way)).rejects.toThrow(/not the hub's/);
    });

    // Before Node 22 a corked response holds nothing back itself: it corks its socket.
    const holdsBack = Number(process.versions.node.split('.')[0]) >= 22;
    if (holdsBack) {
      it('res.write while the response is corked, which an event overtakes', async () => {
        const writer = FrameWriter.prototype as unknown as { isHeldBack(): boolean };
        jest.spyOn(writer, 'isHeldBack').mockReturnValue(false);
        const way = WAYS.find(({ name }) => name.includes('corked'))!;
        await expect(travel(running.url, hub, way)).rejects.toThrow(/lies before/);
      });
    }

    it('a global TimeoutInterceptor', async () => {
      lookAway();
      await expect(travelThroughTimeouts(running.url, hub)).rejects.toThrow(/not the hub's/);
    });
  });
});
