import * as nest from '@nestjs/common';
import { Readable } from 'node:stream';
import type { SseHub } from 'nestjs-sse-redis';
import { until } from './client.js';
import { ofMiddleware } from './foreign-writers.app.js';
import type { Stage } from './stage.js';

/** A way in which somebody besides the hub can write into a stream, or end it. */
export interface Way {
  readonly name: string;
  /** The path of its route. */
  readonly path: string;
  /** What is done once the client has had some events. */
  act?(stage: Stage, hub: SseHub): unknown;
  /** With it the stream ends; otherwise the network cuts it. */
  readonly ends?: boolean;
  /** It writes an id of its own, in a message of this type: without the guard the client would come back with that. */
  readonly writes?: string;
}

const write =
  (...pieces: (string | Buffer)[]) =>
  ({ response }: Stage): void => {
    for (const piece of pieces) response.write(piece);
  };

/** Of Nest, under which a request carries the controller of `@SseSignal()`. */
const { SSE_ABORT_CONTROLLER } = nest as { readonly SSE_ABORT_CONTROLLER?: symbol };

function abort({ response }: Stage): void {
  const request = response.req as unknown as Record<symbol, AbortController | undefined>;
  if (SSE_ABORT_CONTROLLER) request[SSE_ABORT_CONTROLLER]?.abort();
}

const OBSERVABLES: Way[] = [
  {
    name: 'a message merged with the stream',
    path: 'merge',
    act: ({ more }) => more.next({ type: 'foreign', data: '' }),
    writes: 'foreign',
  },
  {
    name: 'a merged message with an id of its own',
    path: 'merge',
    act: ({ more }) => more.next({ type: 'foreign', id: '42', data: 'own' }),
    writes: 'foreign',
  },
  { name: 'a message before the stream (startWith)', path: 'start-with', writes: 'foreign' },
  { name: 'a message before the stream (concat)', path: 'concat', writes: 'foreign' },
  {
    name: 'a message after the stream (endWith)',
    path: 'end-with',
    act: ({ act }) => act.next(),
    ends: true,
    writes: 'foreign',
  },
  {
    name: 'a message in the place of an error (catchError)',
    path: 'catch-error',
    act: ({ act }) => act.next(),
    ends: true,
    writes: 'foreign',
  },
  {
    name: 'an error thrown in an operator',
    path: 'operator-throws',
    act: ({ act }) => act.next(),
    ends: true,
    writes: 'error',
  },
  {
    name: 'an error thrown in an interceptor',
    path: 'interceptor-throws',
    act: ({ act }) => act.next(),
    ends: true,
    writes: 'error',
  },
  { name: 'completion by an operator', path: 'take-until', act: ({ act }) => act.next(), ends: true },
  { name: 'an abort of the signal of @SseSignal()', path: 'signal', act: abort, ends: true },
  {
    name: 'an exception filter that answers with an event stream',
    path: 'filter',
    act: (stage) => {
      stage.isFailing = true;
      stage.response.end();
    },
    ends: true,
    writes: 'sorry',
  },
];

const RESPONSES: Way[] = [
  {
    name: 'res.write with an id in pieces',
    path: 'plain',
    act: write('i', 'd: ', '7\nevent: fore', 'ign\nda', 'ta: x', '\n', '\n'),
    writes: 'foreign',
  },
  {
    name: 'res.write of Buffers with CR LF, split within line ends',
    path: 'plain',
    act: write(
      ...['id: 8\r', '\nevent: foreign\r', '\ndata: größ'].map((text) => Buffer.from(text)),
      Buffer.from('er 漢\r\n\r'),
      Buffer.from('\n'),
    ),
    writes: 'foreign',
  },
  {
    name: 'res.write with lone CRs',
    path: 'plain',
    act: write('id: 9\revent: foreign\rdata: x\r\r'),
    writes: 'foreign',
  },
  {
    name: 'a block that never ends, and events meanwhile',
    path: 'plain',
    act: async (stage, hub) => {
      write('id: 10\nevent: foreign\ndata: x\n\n', 'id: 11\ndata: inco')(stage);
      await hub.publish('plain', { type: 'between', data: '' });
    },
    writes: 'foreign',
  },
  {
    name: 'res.write while the response is corked, and events meanwhile',
    path: 'plain',
    act: async (stage, hub) => {
      stage.response.cork();
      write('id: 12\nevent: foreign\ndata: x\n\n')(stage);
      const { delivered } = hub.stats();
      await hub.publish('plain', { type: 'between', data: '' });
      await until(() => hub.stats().delivered > delivered);
      stage.response.uncork();
    },
    writes: 'foreign',
  },
  {
    name: 'a stream piped into the response',
    path: 'plain',
    act: ({ response }) =>
      Readable.from(['id: 13\nevent: for', 'eign\ndata: x\n\n']).pipe(response, { end: false }),
    writes: 'foreign',
  },
  {
    name: 'a keep-alive of a middleware',
    path: 'plain',
    act: () => ofMiddleware.response!.write(': alive\nid: 14\n\nid: 14\nevent: foreign\ndata:\n\n'),
    writes: 'foreign',
  },
  {
    name: 'res.end with a chunk',
    path: 'plain',
    act: ({ response }) => response.end('id: 15\nevent: foreign\ndata: x\n\n'),
    ends: true,
    writes: 'foreign',
  },
  { name: 'res.end', path: 'plain', act: ({ response }) => response.end(), ends: true },
  { name: 'res.destroy', path: 'plain', act: ({ response }) => response.destroy(), ends: true },
];

export const WAYS: readonly Way[] = [...OBSERVABLES, ...RESPONSES];
