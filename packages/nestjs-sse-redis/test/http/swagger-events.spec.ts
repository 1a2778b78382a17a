import { Controller, Sse, type Type } from '@nestjs/common';
import { ApiOkResponse, ApiProperty } from '@nestjs/swagger';
import { classSchema, defineChannel, SseChannels, type StandardSchema } from 'nestjs-sse-redis';
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
});
