import { forEachAdapter, startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import type { OpenAPIObject } from '@nestjs/swagger';
import { createDocument, describedControllers, findFaults, operationOf, shopModule } from './swagger.app.js';

// What an application says of a route takes precedence over what the hub says.
forEachAdapter((adapter) => {
  let running: RunningApp;
  let document: OpenAPIObject;

  beforeAll(async () => {
    running = await startApp(shopModule(describedControllers()), adapter);
    document = createDocument(running.app);
  });
  afterAll(() => running.close());

  const describedRoute = (name: string) => operationOf(document, `/described/{order}/${name}`);
  const streamOf = (name: string) => describedRoute(name).responses['200'];

  it('stays a valid document', async () => {
    expect(await findFaults(document)).toBe('');
  });

  it.each([
    ['typed', { $ref: '#/components/schemas/OrderEvent' }],
    ['listed', { type: 'array', items: { $ref: '#/components/schemas/OrderEvent' } }],
    ['lazy', { $ref: '#/components/schemas/OrderEvent' }],
    ['lazy-list', { type: 'array', items: { $ref: '#/components/schemas/OrderEvent' } }],
    ['renamed', { $ref: '#/components/schemas/AnotherName' }],
    ['builtin', { type: 'string' }],
    ['standard-answer', { type: 'object', title: 'a place' }],
    ['schema', { type: 'string', pattern: '^data' }],
    ['content', { type: 'string', title: 'own' }],
  ])('documents the application’s answer as an event stream where it is %s', (name, schema) => {
    const { content } = streamOf(name) as { content: Record<string, { schema: object }> };
    expect(Object.keys(content)).toEqual(['text/event-stream']);
    expect(content['text/event-stream']!.schema).toEqual(schema);
  });

  it('has the models that the answers refer to', () => {
    expect(Object.keys(document.components!.schemas!)).toEqual(
      expect.arrayContaining(['OrderEvent', 'AnotherName', 'Problem']),
    );
  });

  it('keeps the description of the application, and adds the stream', () => {
    expect(streamOf('typed')).toMatchObject({ description: 'Orders.' });
    expect(streamOf('text')).toMatchObject({
      description: 'Only words.',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    });
  });

  it('keeps the media types of @ApiProduces', () => {
    expect(Object.keys((streamOf('produces') as { content: object }).content)).toEqual([
      'text/event-stream',
      'application/x-ndjson',
    ]);
  });

  it('keeps other answers of the application, with their media type', () => {
    expect(describedRoute('typed').responses).toMatchObject({
      403: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } } },
      429: { description: 'the application’s' },
    });
    expect(describedRoute('typed').responses['429']).not.toHaveProperty('content');
  });

  it('keeps the parameters of the application', () => {
    const parameters = describedRoute('typed').parameters as { name: string }[];
    const named = (name: string) => parameters.filter((one) => one.name.toLowerCase() === name.toLowerCase());
    expect(named('order')).toEqual([expect.objectContaining({ schema: { type: 'integer' } })]);
    expect(named('lastEventId')).toEqual([
      expect.objectContaining({ required: true, description: 'the application’s' }),
    ]);
    expect(named('prefer')).toEqual([expect.objectContaining({ description: 'the application’s' })]);
  });

  it('keeps what the compiler plugin found, but for the type of the answer', () => {
    const { summary, parameters, responses } = describedRoute('hinted');
    expect(summary).toBe('From a comment');
    expect(parameters).toContainEqual(expect.objectContaining({ name: 'order', schema: { type: 'number' } }));
    expect(responses['200']).toMatchObject({
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    });
  });

  it('keeps what a Standard Schema says of parameters', () => {
    expect(describedRoute('standard').parameters).toContainEqual(
      expect.objectContaining({ name: 'order', schema: { type: 'boolean' } }),
    );
  });

  it('documents a connections controller of the application’s own path', () => {
    const own = operationOf(document, '/own/{id}/channels', 'post');
    expect(own.requestBody).toEqual(
      operationOf(document, '/sse/connections/{id}/channels', 'post').requestBody,
    );
    expect(own.requestBody).toBeDefined();
  });

  it('keeps what @ApiResponse says on the class', () => {
    const { responses } = operationOf(document, '/class');
    expect(responses).toMatchObject({
      200: {
        description: 'Of the class.',
        content: { 'text/event-stream': { schema: { $ref: '#/components/schemas/OrderEvent' } } },
      },
      503: { description: 'Of the class.' },
    });
    expect(responses['503']).not.toHaveProperty('content');
  });
});
