import { freePort, until } from '@nestjs-sse-redis/testing';
import { Controller, Inject, UseFilters } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SseHub, SseRedisErrorFilter, SseRedisModule } from 'nestjs-sse-redis';
import { firstValueFrom } from 'rxjs';
import { WebSocket } from 'ws';

@Controller()
class AnnouncementsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @MessagePattern('filtered')
  @UseFilters(SseRedisErrorFilter)
  filtered() {
    return this.hub.publish('a\nb', { data: null });
  }

  @MessagePattern('bare')
  bare() {
    return this.hub.publish('a\nb', { data: null });
  }
}

@WebSocketGateway()
class AnnouncementsGateway {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @SubscribeMessage('filtered')
  @UseFilters(SseRedisErrorFilter)
  filtered() {
    return this.hub.publish('a\nb', { data: null });
  }
}

const payload = {
  status: 'error',
  code: 'INVALID_CHANNEL',
  statusCode: 400,
  message: expect.stringContaining('control character') as string,
};

let close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of close.toReversed()) await end();
  close = [];
});

it('tells the caller of a microservice the code, where Nest says Internal server error (negative control)', async () => {
  const options = { host: '127.0.0.1', port: await freePort() };
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(
    { module: class {}, imports: [SseRedisModule.forRoot()], controllers: [AnnouncementsController] },
    { transport: Transport.TCP, options, logger: false },
  );
  await service.listen();
  close.push(() => service.close());
  const caller = ClientProxyFactory.create({ transport: Transport.TCP, options });
  close.push(() => Promise.resolve(caller.close()));
  const failureOf = (pattern: string) =>
    firstValueFrom(caller.send(pattern, '')).catch((error: unknown) => error);
  expect(await failureOf('filtered')).toEqual(payload);
  expect(await failureOf('bare')).toEqual({ status: 'error', message: 'Internal server error' });
});

it('sends a WebSocket the code in an exception', async () => {
  const app = await NestFactory.create(
    { module: class {}, imports: [SseRedisModule.forRoot()], providers: [AnnouncementsGateway] },
    { logger: false },
  );
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, '127.0.0.1');
  close.push(() => app.close());
  const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'));
  const received: unknown[] = [];
  socket.on('message', (text: Buffer) => received.push(JSON.parse(text.toString())));
  socket.on('open', () => socket.send(JSON.stringify({ event: 'filtered', data: '' })));
  await until(() => received.length > 0);
  expect(received).toEqual([{ event: 'exception', data: payload }]);
  socket.close();
});
