import { freePort, until } from '@nestjs-sse-redis/testing';
import { Controller, ForbiddenException, Inject, UseFilters, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  RpcException,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { SseHub, SseRedisErrorFilter, SseRedisModule, SseStreamFilter } from 'nestjs-sse-redis';
import { once } from 'node:events';
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

/** The filter of its streams counts for its messages as well. */
@Controller()
@UseFilters(SseStreamFilter)
class StreamsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @MessagePattern('hub')
  @SubscribeMessage('hub')
  refusedByHub() {
    return this.hub.publish('a\nb', { data: null });
  }

  @MessagePattern('nest')
  @SubscribeMessage('nest')
  refusedByNest() {
    throw new ForbiddenException();
  }

  @MessagePattern('own')
  refused() {
    throw new RpcException('not today');
  }

  @SubscribeMessage('own')
  refusedInGateway() {
    throw new WsException('not today');
  }
}

@WebSocketGateway()
class StreamsGateway extends StreamsController {}

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

const INTERNAL = { status: 'error', message: 'Internal server error' };

/** @returns the error of a caller of a microservice, by pattern */
async function serve(controller: Type): Promise<(pattern: string) => Promise<unknown>> {
  const options = { host: '127.0.0.1', port: await freePort() };
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(
    { module: class {}, imports: [SseRedisModule.forRoot()], controllers: [controller] },
    { transport: Transport.TCP, options, logger: false },
  );
  await service.listen();
  close.push(() => service.close());
  const caller = ClientProxyFactory.create({ transport: Transport.TCP, options });
  close.push(() => Promise.resolve(caller.close()));
  return (pattern) => firstValueFrom(caller.send(pattern, '')).catch((error: unknown) => error);
}

/** @returns what a WebSocket is sent after an event */
async function open(gateway: Type): Promise<(event: string) => Promise<unknown>> {
  const app = await NestFactory.create(
    { module: class {}, imports: [SseRedisModule.forRoot()], providers: [gateway] },
    { logger: false },
  );
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, '127.0.0.1');
  close.push(() => app.close());
  const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'));
  close.push(() => Promise.resolve(socket.close()));
  const received: unknown[] = [];
  socket.on('message', (text: Buffer) => received.push(JSON.parse(text.toString())));
  await once(socket, 'open');
  return async (event) => {
    socket.send(JSON.stringify({ event, data: '' }));
    await until(() => received.length > 0);
    return received.pop();
  };
}

it('tells the caller of a microservice the code, where Nest says Internal server error (negative control)', async () => {
  const failureOf = await serve(AnnouncementsController);
  expect(await failureOf('filtered')).toEqual(payload);
  expect(await failureOf('bare')).toEqual(INTERNAL);
});

it('sends a WebSocket the code in an exception', async () => {
  const answerTo = await open(AnnouncementsGateway);
  expect(await answerTo('filtered')).toEqual({ event: 'exception', data: payload });
});

describe('SseStreamFilter, bound to handlers of messages too,', () => {
  const refusals = [
    { by: 'hub', told: payload },
    { by: 'nest', told: INTERNAL },
    { by: 'own', told: { status: 'error', message: 'not today' } },
  ];

  it.each(refusals)('answers the caller of a microservice that was refused by $by', async ({ by, told }) => {
    const failureOf = await serve(StreamsController);
    expect(await failureOf(by)).toEqual(told);
  });

  it.each(refusals)('answers a WebSocket that was refused by $by', async ({ by, told }) => {
    const answerTo = await open(StreamsGateway);
    expect(await answerTo(by)).toEqual({ event: 'exception', data: told });
  });
});
