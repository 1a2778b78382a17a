import { freePort, startApp, until } from '@nestjs-sse-redis/testing';
import {
  Controller,
  ForbiddenException,
  Inject,
  UseFilters,
  type LoggerService,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  RpcException,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import {
  RedisUnavailableError,
  SseHub,
  SseRedisErrorFilter,
  SseRedisModule,
  SseStreamFilter,
} from 'nestjs-sse-redis';
import { once } from 'node:events';
import { firstValueFrom, lastValueFrom } from 'rxjs';
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

/** Of events, whose caller gets no answer. */
@Controller()
class EventsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @EventPattern('refused')
  @UseFilters(SseRedisErrorFilter)
  refused(_data: string) {
    return this.hub.publish('a\nb', { data: null });
  }

  @EventPattern('away')
  @UseFilters(SseRedisErrorFilter)
  away(_data: string) {
    throw new RedisUnavailableError('Redis is away.');
  }

  @EventPattern('bare')
  bare(_data: string) {
    throw new RedisUnavailableError('Redis is away.');
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

/** @returns a caller of a microservice */
async function serve(controller: Type, logger: LoggerService | false = false): Promise<ClientProxy> {
  const options = { host: '127.0.0.1', port: await freePort() };
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(
    { module: class {}, imports: [SseRedisModule.forRoot()], controllers: [controller] },
    { transport: Transport.TCP, options, logger },
  );
  await service.listen();
  close.push(() => service.close());
  const caller = ClientProxyFactory.create({ transport: Transport.TCP, options });
  close.push(() => Promise.resolve(caller.close()));
  return caller;
}

const failureOf = (caller: ClientProxy, pattern: string): Promise<unknown> =>
  firstValueFrom(caller.send(pattern, '')).catch((error: unknown) => error);

/** @returns what a WebSocket is sent after an event */
async function open(gateway: Type): Promise<(event: string) => Promise<unknown>> {
  const module = { imports: [SseRedisModule.forRoot()], providers: [gateway] };
  const running = await startApp(module, 'express', {
    configure: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
    application: { logger: false },
  });
  close.push(running.close);
  const socket = new WebSocket(running.url.replace('http', 'ws'));
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
  const caller = await serve(AnnouncementsController);
  expect(await failureOf(caller, 'filtered')).toEqual(payload);
  expect(await failureOf(caller, 'bare')).toEqual(INTERNAL);
});

it('logs errors of the hub in handlers of events, whose callers get no answer; Nest logs none (negative control)', async () => {
  const lines: string[] = [];
  const write = (level: string) => (error: unknown) =>
    void (error instanceof Error && lines.push(`${level} ${error.name}`));
  const log = { log: write('log'), warn: write('warn'), error: write('error') };
  const caller = await serve(EventsController, log);
  for (const pattern of ['bare', 'refused', 'away'])
    await lastValueFrom(caller.emit(pattern, ''), { defaultValue: '' });
  await until(() => lines.length === 2);
  expect(lines.toSorted()).toEqual(['error RedisUnavailableError', 'warn InvalidChannelError']);
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
    expect(await failureOf(await serve(StreamsController), by)).toEqual(told);
  });

  it.each(refusals)('answers a WebSocket that was refused by $by', async ({ by, told }) => {
    const answerTo = await open(StreamsGateway);
    expect(await answerTo(by)).toEqual({ event: 'exception', data: told });
  });
});
