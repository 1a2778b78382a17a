import {
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  Module,
  Param,
  ParseIntPipe,
  Query,
  RequestMethod,
  Sse,
  type INestApplication,
  type MessageEvent,
  type Type,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import {
  ApiForbiddenResponse,
  ApiHeader,
  ApiOkResponse,
  ApiParam,
  ApiProduces,
  ApiProperty,
  ApiQuery,
  ApiResponse,
  ApiSchema,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { compileErrors, validate } from '@readme/openapi-parser';
import {
  SseChannels,
  SseClient,
  SseConnectionsController,
  SseHub,
  SseRedisModule,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import { NEVER, type Observable } from 'rxjs';

export class OrderEvent {
  @ApiProperty()
  status!: string;
}

@ApiSchema({ name: 'AnotherName' })
export class Renamed {
  @ApiProperty()
  status!: string;
}

export class Problem {
  @ApiProperty()
  reason!: string;
}

export class Place {
  @ApiProperty({ type: 'integer', description: 'the number of the order' })
  order!: number;

  @ApiProperty()
  item!: string;
}

/** As the compiler plugin of `@nestjs/swagger` writes it into a class without decorators. */
export class CompiledPlace {
  order!: number;

  static _OPENAPI_METADATA_FACTORY() {
    return { order: { required: true, type: () => Number } };
  }
}

/** A Standard Schema that says what it takes. */
const PLACE_SCHEMA = {
  '~standard': {
    version: 1 as const,
    vendor: 'spec',
    validate: (value: unknown) => ({ value }),
    jsonSchema: {
      input: () => ({ type: 'object', properties: { order: { type: 'boolean' } }, required: ['order'] }),
      output: () => ({ type: 'object', title: 'a place' }),
    },
  },
};

type Request = { params: Record<string, string>; query: Record<string, string> };

const toChannel = ({ params }: Request) => `order:${params['order']}`;

/** Streams that say nothing of themselves. New classes each time: decorators and the hub write into them. */
export function plainControllers(): Type<unknown>[] {
  @Controller('orders/:order')
  class OrdersController {
    constructor(@Inject(SseHub) private readonly hub: SseHub) {}

    @Sse('progress')
    @SseChannels(toChannel)
    progress(): void {}

    @SseChannels(toChannel)
    @Sse('items/:item/*')
    item(): void {}

    @Sse('rows/:row')
    row(
      @SseClient() client: SseClient,
      @Param('row', ParseIntPipe) row: number,
      @Query('lastEventId') _id?: string,
      @Headers('last-event-id') _header?: string,
      @Query('rewind') _rewind?: string,
    ) {
      return this.hub.connect(client, `row:${row}`);
    }

    @Sse('place/:item')
    place(@SseClient() client: SseClient, @Param() _place: Place) {
      return this.hub.connect(client, 'place');
    }

    @Sse('posted', { method: RequestMethod.POST })
    @SseChannels('posted')
    posted(): void {}

    @Sse('accepted', { method: RequestMethod.POST })
    @HttpCode(200)
    @SseChannels('posted')
    accepted(): void {}
  }

  @Controller()
  class NewsController {
    @Sse('news')
    @SseChannels(['news', 'weather'])
    news(): void {}

    @Sse('ticks')
    ticks(): Observable<MessageEvent> {
      return NEVER;
    }

    @Get('plain')
    plain(): string {
      return '';
    }
  }
  return [OrdersController, NewsController];
}

/** Streams of which the application has documented something. */
export function describedControllers(): Type<unknown>[] {
  @Controller('described/:order')
  @ApiHeader({ name: 'prefer', description: 'the application’s' })
  class DescribedController {
    @ApiParam({ name: 'order', type: 'integer' })
    @ApiQuery({ name: 'lastEventId', required: true, description: 'the application’s' })
    @ApiOkResponse({ description: 'Orders.', type: OrderEvent })
    @ApiForbiddenResponse({ type: Problem })
    @ApiResponse({ status: 429, description: 'the application’s' })
    @Sse('typed')
    @SseChannels(toChannel)
    typed(): void {}

    @Sse('listed')
    @SseChannels(toChannel)
    @ApiOkResponse({ type: [OrderEvent] })
    listed(): void {}

    @Sse('lazy')
    @SseChannels(toChannel)
    @ApiOkResponse({ type: () => OrderEvent })
    lazy(): void {}

    @Sse('lazy-list')
    @SseChannels(toChannel)
    @ApiOkResponse({ type: () => [OrderEvent] })
    lazyList(): void {}

    @Sse('renamed')
    @SseChannels(toChannel)
    @ApiOkResponse({ type: Renamed })
    renamed(): void {}

    @Sse('builtin')
    @SseChannels(toChannel)
    @ApiOkResponse({ type: String })
    builtin(): void {}

    @Sse('hinted')
    @SseChannels(toChannel)
    hinted(@Param() _place: CompiledPlace): void {}

    @Sse('standard')
    @SseChannels(toChannel)
    standard(@Param({ schema: PLACE_SCHEMA }) _place: unknown): void {}

    @Sse('standard-answer')
    @SseChannels(toChannel)
    @ApiOkResponse({ standardSchema: PLACE_SCHEMA })
    standardAnswer(): void {}

    @Sse('schema')
    @SseChannels(toChannel)
    @ApiOkResponse({ schema: { type: 'string', pattern: '^data' }, example: 'data: 1\n\n' })
    schema(): void {}

    @Sse('text')
    @SseChannels(toChannel)
    @ApiOkResponse({ description: 'Only words.' })
    text(): void {}

    @Sse('content')
    @SseChannels(toChannel)
    @ApiOkResponse({ content: { 'text/event-stream': { schema: { type: 'string', title: 'own' } } } })
    content(): void {}

    @Sse('produces')
    @SseChannels(toChannel)
    @ApiProduces('text/event-stream', 'application/x-ndjson')
    @ApiOkResponse({ type: OrderEvent })
    produces(): void {}

    static _OPENAPI_METADATA_FACTORY() {
      return { hinted: { summary: 'From a comment', type: Object } };
    }
  }

  @Controller('class')
  @ApiOkResponse({ description: 'Of the class.', type: OrderEvent })
  @ApiResponse({ status: 503, description: 'Of the class.' })
  class ClassController {
    @Sse()
    @SseChannels('class')
    stream(): void {}
  }

  @Controller('own')
  class OwnConnectionsController extends SseConnectionsController {}
  return [DescribedController, ClassController, OwnConnectionsController];
}

/** An application of which `RouterModule` puts one module under a path with a parameter of its own. */
export function shopModule(controllers: Type<unknown>[] = plainControllers(), options: SseRedisOptions = {}) {
  @Controller('stock')
  class StockController {
    @Sse(':article')
    @SseChannels('stock')
    stock(): void {}
  }
  @Module({ controllers: [StockController] })
  class StockModule {}
  @Module({})
  class ShopModule {}
  const routes = RouterModule.register([
    { path: 'tenants/:tenant', children: [{ path: 'shops/:shop', module: StockModule }] },
  ]);
  return {
    module: ShopModule,
    imports: [SseRedisModule.forRoot({ isGlobal: true, retry: 50, ...options }), StockModule, routes],
    controllers: [...controllers, SseConnectionsController],
  };
}

/** As applications make it. */
export function createDocument(app: INestApplication, version = '3.0.0'): OpenAPIObject {
  const config = new DocumentBuilder().setTitle('shop').setVersion('1').setOpenAPIVersion(version).build();
  return SwaggerModule.createDocument(app, config);
}

/** Returns what a validator finds in a document, as lines; none where it is valid. */
export async function findFaults(document: OpenAPIObject): Promise<string> {
  const result = await validate(structuredClone(document) as never);
  return result.valid ? '' : compileErrors(result);
}

export function operationOf(document: OpenAPIObject, path: string, method: 'get' | 'post' = 'get') {
  const operation = document.paths[path]?.[method];
  if (!operation) throw new Error(`no ${method} ${path}, but ${Object.keys(document.paths).join(' ')}`);
  return operation;
}

/** `path order!` is a required parameter, `query lastEventId` is not. */
export function parametersOf(
  document: OpenAPIObject,
  path: string,
  method: 'get' | 'post' = 'get',
): string[] {
  const parameters = operationOf(document, path, method).parameters ?? [];
  return parameters
    .map((one) => ('in' in one ? `${one.in} ${one.name}${one.required ? '!' : ''}` : one.$ref))
    .toSorted();
}
