import {
  AppProcess,
  createAdapter,
  forEachAdapter,
  startApp,
  SseStream,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import { SseConnectionsController } from 'nestjs-sse-redis';
import { ApiDocumentationModule } from '../../src/openapi/api-documentation.module.js';
import { SWAGGER } from '../../src/openapi/swagger-metadata.js';
import {
  createDocument,
  findFaults,
  operationOf,
  parametersOf,
  plainControllers,
  shopModule,
} from './swagger.app.js';

const STREAM_PARAMETERS = ['header Last-Event-ID', 'header Prefer', 'query lastEventId'];

@Module({})
class NothingModule {}

forEachAdapter((adapter) => {
  let running: RunningApp | undefined;

  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  it.each(['3.0.0', '3.1.0'])('makes a valid document of OpenAPI %s', async (version) => {
    running = await startApp(shopModule(), adapter);
    const document = createDocument(running.app, version);
    expect(await findFaults(document)).toBe('');
    expect(Object.keys(document.paths)).toHaveLength(11);
  });

  it('makes the document before the application is initialized, as main.ts does', async () => {
    let faults: string | undefined;
    let before: object | undefined;
    running = await startApp(shopModule(), adapter, {
      configure: async (app) => {
        const document = createDocument(app);
        before = document;
        faults = await findFaults(document);
      },
    });
    expect(faults).toBe('');
    expect(before).toEqual(createDocument(running.app));
  });

  it('has the same streams in a preview, in which Nest makes no instances', async () => {
    // Nothing listens there: a hub that started would fail.
    const module = shopModule(plainControllers(), { redis: 'redis://127.0.0.1:1' });
    const app = await NestFactory.create(module, createAdapter(adapter), { preview: true, logger: false });
    const document = createDocument(app);
    running = await startApp(shopModule(), adapter);
    const whole = createDocument(running.app);
    for (const path of ['/orders/{order}/progress', '/news'])
      expect(document.paths[path]).toEqual(whole.paths[path]);
  });

  it('has the same document after a second application of the same classes', async () => {
    const module = shopModule();
    running = await startApp(module, adapter);
    const first = createDocument(running.app);
    await running.close();
    running = await startApp(module, adapter);
    expect(createDocument(running.app)).toEqual(first);
  });

  it('documents the stream, its parameters and its refusals under @SseChannels', async () => {
    running = await startApp(shopModule(), adapter);
    const document = createDocument(running.app);
    const { responses } = operationOf(document, '/orders/{order}/progress');
    expect(responses).toMatchObject({
      200: { content: { 'text/event-stream': { schema: { type: 'string' } } } },
      204: { description: expect.stringContaining('dismissed') },
      400: { content: { 'application/json': { example: { statusCode: 400, code: 'INVALID_CHANNEL' } } } },
      429: {
        content: { 'application/json': { example: { statusCode: 429, code: 'TOO_MANY_CONNECTIONS' } } },
      },
      503: { content: { 'application/json': { example: { statusCode: 503 } } } },
    });
    expect(parametersOf(document, '/orders/{order}/progress')).toEqual([
      ...STREAM_PARAMETERS.slice(0, 2),
      'path order!',
      'query lastEventId',
    ]);
    expect(parametersOf(document, '/orders/{order}/items/{item}/{path}')).toEqual(
      expect.arrayContaining(['path item!', 'path order!', 'path path!', ...STREAM_PARAMETERS]),
    );
    expect(Object.keys(operationOf(document, '/news').responses)).toEqual(['200', '204', '429', '503']);
  });

  it('keeps the types of parameters that the handler takes', async () => {
    running = await startApp(shopModule(), adapter);
    const document = createDocument(running.app);
    expect(parametersOf(document, '/orders/{order}/rows/{row}')).toEqual([
      'header Prefer',
      'header last-event-id',
      'path order!',
      'path row!',
      'query lastEventId',
      'query rewind!',
    ]);
    expect(operationOf(document, '/orders/{order}/rows/{row}').parameters).toContainEqual(
      expect.objectContaining({ name: 'row', schema: { type: 'number' } }),
    );
    expect(operationOf(document, '/orders/{order}/place/{item}').parameters).toContainEqual(
      expect.objectContaining({
        name: 'order',
        description: 'the number of the order',
        schema: { type: 'integer' },
      }),
    );
  });

  it('documents the parameters of a path from RouterModule', async () => {
    running = await startApp(shopModule(), adapter);
    const document = createDocument(running.app);
    const path = '/tenants/{tenant}/shops/{shop}/stock/{article}';
    expect(parametersOf(document, path)).toEqual(
      expect.arrayContaining(['path article!', 'path shop!', 'path tenant!']),
    );
  });

  it('documents the body and the answers of the connections controller', async () => {
    running = await startApp(shopModule(), adapter);
    const document = createDocument(running.app);
    const operation = operationOf(document, '/sse/connections/{id}/channels', 'post');
    expect(operation.requestBody).toMatchObject({
      required: true,
      content: {
        'application/json': {
          schema: {
            required: ['secret'],
            properties: {
              secret: { type: 'string' },
              subscribe: { type: 'array', items: { type: 'string' } },
              unsubscribe: { type: 'array', items: { type: 'string' } },
              after: { oneOf: [{ type: 'string' }, { additionalProperties: { type: 'string' } }] },
            },
          },
        },
      },
    });
    expect(Object.keys(operation.responses)).toEqual(['200', '400', '403', '404', '503']);
    expect(parametersOf(document, '/sse/connections/{id}/channels', 'post')).toEqual(['path id!']);
  });

  it('leaves other routes as they are', async () => {
    running = await startApp(shopModule(), adapter);
    const document = createDocument(running.app);
    for (const path of ['/ticks', '/plain'])
      expect(operationOf(document, path)).toMatchObject({
        parameters: [],
        responses: { 200: { description: '' } },
      });
  });

  it('serves the document and the user interface over HTTP', async () => {
    const server = await AppProcess.start(new URL('./swagger.process.ts', import.meta.url), {
      args: [adapter],
    });
    try {
      const served = (await (await fetch(`${server.url}/api-json`)).json()) as OpenAPIObject;
      expect(await findFaults(served)).toBe('');
      running = await startApp(shopModule(), adapter);
      expect(served).toEqual(JSON.parse(JSON.stringify(createDocument(running.app))));
      const page = await fetch(`${server.url}/api/swagger-ui-init.js`);
      expect(await page.text()).toContain('text/event-stream');
      const asset = await fetch(`${server.url}/api/swagger-ui.css`);
      expect([asset.status, (await asset.text()).length > 1_000]).toEqual([200, true]);
    } finally {
      await server.kill();
    }
  });

  it('answers with the statuses that it documents', async () => {
    running = await startApp(shopModule(plainControllers(), { limits: { connections: 1 } }), adapter);
    const { url, app } = running;
    const statuses: Record<string, number> = {};
    const ask = async (name: string, path: string) => {
      const answer = await fetch(`${url}${path}`);
      await answer.text();
      statuses[name] = answer.status;
    };
    await ask('dismissed', '/orders/7/progress?lastEventId=dismissed');
    await ask('invalid channel', '/orders/undefined/progress');
    const stream = SseStream.open(`${url}/orders/7/progress`);
    await stream.opened;
    expect(stream.isEventStream).toBe(true);
    const full = await fetch(`${url}/news`, { headers: { prefer: 'status' } });
    expect(await full.json()).toMatchObject({ statusCode: 429, code: 'TOO_MANY_CONNECTIONS' });
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
    statuses['full'] = full.status;
    await stream.close();
    const change = await fetch(`${url}/sse/connections/none/channels`, { method: 'POST' });
    expect(await change.json()).toMatchObject({ statusCode: 403, message: expect.any(String) });
    expect(statuses).toEqual({ dismissed: 204, 'invalid channel': 400, full: 429 });
    const { responses } = operationOf(createDocument(app), '/orders/{order}/progress');
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(Object.values(statuses).map(String)));
  });

  it('documents the status with which a stream of another method begins', async () => {
    running = await startApp(shopModule(), adapter);
    const { url } = running;
    const document = createDocument(running.app);
    for (const name of ['posted', 'accepted']) {
      const aborted = new AbortController();
      const answer = await fetch(`${url}/orders/7/${name}`, { method: 'POST', signal: aborted.signal });
      const { responses } = operationOf(document, `/orders/{order}/${name}`, 'post');
      expect([name, answer.headers.get('content-type')]).toEqual([
        name,
        expect.stringContaining('text/event-stream'),
      ]);
      expect([name, responses[answer.status]]).toEqual([
        name,
        expect.objectContaining({ content: { 'text/event-stream': expect.anything() } }),
      ]);
      aborted.abort();
    }
  });

  it('misses parameters, media type and body without the documentation (negative control)', async () => {
    const { change } = SseConnectionsController.prototype as { change: (...args: never[]) => unknown };
    for (const key of Object.values(SWAGGER)) Reflect.deleteMetadata(key, change);
    running = await startApp(shopModule(), adapter, {
      override: (builder) => builder.overrideModule(ApiDocumentationModule).useModule(NothingModule),
    });
    const document = createDocument(running.app);
    expect(await findFaults(document)).toContain('order');
    expect(operationOf(document, '/news').responses).toEqual({ 200: { description: '' } });
    expect(operationOf(document, '/sse/connections/{id}/channels', 'post').requestBody).toBeUndefined();
  });
});
