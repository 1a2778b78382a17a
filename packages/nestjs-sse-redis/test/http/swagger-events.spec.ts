import { Controller, Param, Sse, type Type } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import {
  classSchema,
  defineChannel,
  SseChannels,
  SseRun,
  toItemSchemas,
  type StandardSchema,
} from 'nestjs-sse-redis';
import { startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import { z } from 'zod';
import {
  createDocument,
  findFaults,
  operationOf,
  OrderEvent,
  parametersOf,
  shopModule,
} from './swagger.app.js';

class ShippedDto {
  @ApiProperty()
  code!: string;
}

/** A schema that says what it is as JSON Schema, as newer libraries do, or fails to. */
const describing = (output: () => object): StandardSchema =>
  ({
    '~standard': {
      version: 1,
      vendor: 'spec',
      validate: (value: unknown) => ({ value }),
      jsonSchema: { output },
    },
  }) as StandardSchema;

const orders = defineChannel('order:{id}', {
  events: {
    paid: describing(() => ({ type: 'object', properties: { amount: { type: 'number' } } })),
    shipped: ShippedDto,
    returned: classSchema(ShippedDto),
    seen: z.object({ at: z.string() }),
    odd: describing(() => {
      throw new Error('a transform');
    }),
  },
});
const news = defineChannel('news', { events: { article: z.string() } });
const plain = defineChannel('plain');

@Controller()
class OrdersController {
  @Sse('orders/:id')
  @SseChannels(orders)
  order(): void {}

  @Sse('fixed')
  @SseChannels([news, orders({ id: 7 }), 'other'])
  fixed(): void {}

  @Sse('plain')
  @SseChannels(plain)
  plain(): void {}

  @ApiTags('answers')
  @SseRun('answers/:id', (request: { params: { id: string } }) => orders({ id: request.params.id }))
  answer(@Param('id') _id: string): string[] {
    return [];
  }

  @SseRun('reports/:id', orders)
  report(): string[] {
    return [];
  }

  @Sse('own/:id')
  @SseChannels(orders)
  @ApiOkResponse({ type: OrderEvent })
  own(): void {}
}

const event = (type: string, data: object) => ({
  type: 'object',
  required: ['event', 'data'],
  properties: { event: { type: 'string', enum: [type] }, data },
});
const ref = { $ref: '#/components/schemas/ShippedDto' };
const eventsOfOrders = [
  event('paid', { type: 'object', properties: { amount: { type: 'number' } } }),
  event('shipped', ref),
  event('returned', ref),
  event('seen', {}),
  event('odd', {}),
];

describe('the document of a route whose channels have definitions', () => {
  let running: RunningApp;
  afterEach(() => running.close());

  async function document(version = '3.0.0') {
    const controllers: Type<unknown>[] = [OrdersController];
    running = await startApp(shopModule(controllers, { channels: [orders, news, plain] }), 'express');
    return createDocument(running.app, version);
  }

  const contentOf = (doc: Awaited<ReturnType<typeof document>>, path: string) =>
    (operationOf(doc, path).responses['200'] as { content: object }).content as Record<
      string,
      { schema: { oneOf?: object[]; type?: string; $ref?: string } }
    >;

  it.each(['3.0.0', '3.1.0'])('has their events, and is valid as OpenAPI %s', async (version) => {
    const doc = await document(version);
    expect(await findFaults(doc)).toBe('');
    expect(contentOf(doc, '/orders/{id}')['text/event-stream']!.schema.oneOf).toEqual(eventsOfOrders);
    expect(contentOf(doc, '/fixed')['text/event-stream']!.schema.oneOf).toEqual([
      event('article', {}),
      ...eventsOfOrders,
    ]);
    expect(doc.components?.schemas?.['ShippedDto']).toMatchObject({
      properties: { code: { type: 'string' } },
    });
  });

  it('has the parameters of the path, and 400 only where the request has a say', async () => {
    const doc = await document();
    expect(parametersOf(doc, '/orders/{id}')).toContain('path id!');
    expect(Object.keys(operationOf(doc, '/orders/{id}').responses)).toContain('400');
    expect(Object.keys(operationOf(doc, '/fixed').responses)).not.toContain('400');
    expect(Object.keys(operationOf(doc, '/plain').responses)).not.toContain('400');
  });

  it('stays as it was where definitions name no events, or the application describes the answer', async () => {
    const doc = await document();
    expect(contentOf(doc, '/plain')['text/event-stream']!.schema).toMatchObject({ type: 'string' });
    expect(contentOf(doc, '/own/{id}')['text/event-stream']!.schema).toEqual({
      $ref: '#/components/schemas/OrderEvent',
    });
  });

  it('has the three routes of a run, each with its parameters and answers', async () => {
    const doc = await document();
    expect(await findFaults(doc)).toBe('');
    const routes = doc.paths['/answers/{id}']!;
    const answers = [routes.post, routes.get, routes.delete].map((one) => Object.keys(one!.responses));
    expect(answers).toEqual([
      ['200', '204', '400', '403', '429', '503'],
      ['200', '204', '400', '403', '429', '503'],
      ['204', '403', '503'],
    ]);
    for (const route of [routes.post, routes.get, routes.delete])
      expect(route).toMatchObject({ tags: ['Orders', 'answers'], summary: expect.stringMatching(/ run/) });
    expect(parametersOf(doc, '/answers/{id}', 'get')).toEqual(
      expect.arrayContaining(['path id!', 'header Last-Event-ID']),
    );
    expect(parametersOf(doc, '/answers/{id}', 'post')).not.toContain('header Last-Event-ID');
    expect(contentOf(doc, '/reports/{id}')['text/event-stream']!.schema.oneOf).toEqual(eventsOfOrders);
  });

  it('has the single events as items in OpenAPI 3.2, whose data are text', async () => {
    const doc = toItemSchemas(await document('3.2.0'));
    const media = contentOf(doc, '/orders/{id}')['text/event-stream'] as unknown as { itemSchema: object };
    expect(media).not.toHaveProperty('schema');
    expect(media.itemSchema).toMatchObject({
      type: 'object',
      required: ['data'],
      oneOf: expect.arrayContaining([
        {
          required: ['event'],
          properties: {
            event: { type: 'string', enum: ['shipped'] },
            data: { type: 'string', contentMediaType: 'application/json', contentSchema: ref },
          },
        },
      ]) as unknown,
    });
    const old = createDocument(running.app, '3.1.0');
    expect(toItemSchemas(old)).toBe(old);
  });
});
