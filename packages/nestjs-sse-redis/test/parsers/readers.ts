import { isPositionEvent, SseParser } from '@nestjs-sse-redis/testing';
import { EventSource as PackageEventSource } from 'eventsource';
import { createParser } from 'eventsource-parser';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { Page } from 'puppeteer-core';
import { Agent as Dispatcher, EventSource as UndiciEventSource } from 'undici';
import type { Dispatched } from './comparison.js';

/** Something that reads an event stream, and comes back by itself when it ends. */
export interface Reader {
  readonly name: string;
  received(): Promise<readonly Dispatched[]>;
  close(): Promise<void>;
}

/** What an EventSource dispatches under these types, in order. */
function listen(source: PackageEventSource | UndiciEventSource, types: readonly string[]): Dispatched[] {
  const received: Dispatched[] = [];
  for (const type of types) {
    const listener = (event: Event): void => {
      // `open` and `error` are also what an EventSource says of its connection, without data.
      if (!('data' in event)) return;
      const { data, lastEventId } = event as MessageEvent<string>;
      received.push({ type: event.type, data, id: lastEventId });
    };
    (source as EventTarget).addEventListener(type, listener);
  }
  return received;
}

export function openEventSourcePackage(url: string, types: readonly string[]): Reader {
  const source = new PackageEventSource(url);
  const received = listen(source, types);
  return {
    name: 'eventsource',
    received: () => Promise.resolve(received),
    close: () => Promise.resolve(source.close()),
  };
}

export function openUndici(url: string, types: readonly string[]): Reader {
  const dispatcher = new Dispatcher();
  const source = new UndiciEventSource(url, { node: { dispatcher } });
  const received = listen(source, types);
  return {
    name: 'undici',
    received: () => Promise.resolve(received),
    close: async () => {
      source.close();
      await dispatcher.destroy();
    },
  };
}

/** @param page on the origin of the stream */
export async function openChromium(page: Page, url: string, types: readonly string[]): Promise<Reader> {
  // It runs in the page, where nothing of this file is.
  const handle = await page.evaluateHandle(
    (url, types) => {
      const source = new EventSource(url);
      const received: { type: string; data: string; id: string }[] = [];
      for (const type of types) {
        source.addEventListener(type, (event) => {
          if (!(event instanceof MessageEvent)) return;
          received.push({ type: event.type, data: event.data as string, id: event.lastEventId });
        });
      }
      return { source, received };
    },
    url,
    types,
  );
  return {
    name: 'Chromium',
    received: () => handle.evaluate(({ received }) => received),
    close: async () => {
      await handle.evaluate(({ source }) => source.close());
      await handle.dispose();
    },
  };
}

/** Keeps the bytes of its streams, for parsers that take them in chunks of any size. */
export class ByteReader implements Reader {
  readonly name = 'bytes';
  /** One a connection. */
  readonly bodies: Buffer[][] = [];
  private readonly agent = new Agent({ keepAlive: true });
  readonly dispatched: Dispatched[] = [];
  private closed = false;

  constructor(
    private readonly url: string,
    private lastEventId = '',
  ) {
    this.connect();
  }

  received(): Promise<readonly Dispatched[]> {
    return Promise.resolve(this.dispatched);
  }

  close(): Promise<void> {
    this.closed = true;
    this.agent.destroy();
    return Promise.resolve();
  }

  private connect(): void {
    const { lastEventId } = this;
    const headers = { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) };
    const request = get(this.url, { agent: this.agent, headers }, (response) => this.read(response));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (this.closed) return;
      // The server has closed a connection that rested, as it was used again.
      if (request.reusedSocket && error.code === 'ECONNRESET') this.connect();
      else throw error;
    });
  }

  private read(response: IncomingMessage): void {
    const body: Buffer[] = [];
    this.bodies.push(body);
    const parser = new SseParser({
      lastEventId: this.lastEventId,
      onBlock: ({ message }) => message && this.dispatched.push(message),
    });
    response.on('data', (chunk: Buffer) => {
      body.push(chunk);
      parser.push(chunk);
    });
    response.on('error', () => undefined);
    response.on('end', () => {
      this.lastEventId = parser.lastEventId;
      if (!this.closed) this.connect();
    });
  }
}

/** What a parser made of a stream. */
export interface Parsed {
  readonly dispatched: Dispatched[];
  readonly retries: number[];
  /** Comments, unknown fields, retry times that are none: the hub sends none of these. */
  readonly oddities: string[];
  /** What it would send as `Last-Event-ID`. */
  readonly lastEventId: string;
}

/** A parser that is given bytes in chunks. */
export interface ChunkParser {
  readonly name: string;
  parse(chunks: readonly Buffer[]): Parsed;
}

export const chunkParsers: readonly ChunkParser[] = [
  { name: 'eventsource-parser', parse: parseWithPackage },
  { name: 'our SseParser', parse: parseWithOurs },
];

function parseWithPackage(chunks: readonly Buffer[]): Parsed {
  const dispatched: Dispatched[] = [];
  const retries: number[] = [];
  const oddities: string[] = [];
  // It knows of ids only with events.
  let lastEventId = '';
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      lastEventId = id ?? '';
      const message = { type: event ?? 'message', data, id: lastEventId };
      if (!isPositionEvent(message)) dispatched.push(message);
    },
    onRetry: (retry) => retries.push(retry),
    onComment: (comment) => oddities.push(`comment ${JSON.stringify(comment)}`),
    onError: (error) => oddities.push(error.message),
  });
  const decoder = new TextDecoder();
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }));
  return { dispatched, retries, oddities, lastEventId };
}

function parseWithOurs(chunks: readonly Buffer[]): Parsed {
  const dispatched: Dispatched[] = [];
  const retries: number[] = [];
  const oddities: string[] = [];
  const parser = new SseParser({
    onBlock: ({ raw, message }) => {
      if (message) dispatched.push(message);
      for (const line of raw.split('\n')) {
        if (line.startsWith('retry: ')) retries.push(Number(line.slice('retry: '.length)));
        else if (!/^(id|event|data):/.test(line)) oddities.push(`line ${JSON.stringify(line)}`);
      }
    },
    onComment: (comment) => oddities.push(`comment ${JSON.stringify(comment)}`),
  });
  for (const chunk of chunks) parser.push(chunk);
  return { dispatched, retries, oddities, lastEventId: parser.lastEventId };
}
