import { StreamableFile } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';

/** A response of Express, or a reply of Fastify, which has the response of Node in `raw`. */
interface AdapterResponse extends ServerResponse {
  readonly raw?: ServerResponse;
  /** Of Fastify: a handler may have taken the response over, and not written yet. */
  readonly sent?: boolean;
  status?(status: number): this;
  header?(name: string, value: string): unknown;
  send?(body: unknown): unknown;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export type ReplyingAdapter = Pick<AbstractHttpAdapter, 'isHeadersSent' | 'setHeader' | 'reply' | 'end'>;

/**
 * In the place of Nest's adapter, for a filter that Nest has not made: `app.useGlobalFilters(new SseRedisErrorFilter())` injects nothing.
 * What it is to do is the same with a response of either adapter. A middleware of Fastify has one of Node.
 */
export const RESPONSE_ADAPTER: ReplyingAdapter = {
  isHeadersSent: (response: AdapterResponse) => response.sent || (response.raw ?? response).headersSent,
  setHeader: (response: AdapterResponse, name: string, value: string) =>
    response.header ? response.header(name, value) : response.setHeader(name, value),
  reply: (response: AdapterResponse, body: unknown, status = 200) => reply(response, body, status),
  end: (response: AdapterResponse) => (response.raw ?? response).end(),
};

function reply(response: AdapterResponse, body: unknown, status: number): void {
  const content: unknown = body instanceof StreamableFile ? body.getStream() : withoutSecrets(body, status);
  if (response.status) response.status(status);
  else response.statusCode = status;
  // The route may have said what it answers where it does not fail.
  if (isErrorBody(content, status) && !isJson(response.getHeader('content-type')))
    RESPONSE_ADAPTER.setHeader(response, 'content-type', JSON_TYPE);
  // Fastify sends streams, too.
  if (content instanceof Readable && !response.raw) pipeline(content, response, () => undefined);
  else if (response.send) response.send(content);
  else response.setHeader('content-type', JSON_TYPE).end(JSON.stringify(content));
}

/** `new UnauthorizedException(error)` has an error for its body, and that of an HTTP client the headers of its request. */
function withoutSecrets(body: unknown, statusCode: number): unknown {
  if (!(body instanceof Error) || statusCode < 400) return body;
  return { statusCode, message: STATUS_CODES[statusCode] ?? 'Error' };
}

function isErrorBody(content: unknown, status: number): boolean {
  return typeof content === 'object' && content !== null && !(content instanceof Readable) && status >= 400;
}

function isJson(type: unknown): boolean {
  return typeof type === 'string' && /^application\/([\w.+-]+\+)?json\b/i.test(type);
}
