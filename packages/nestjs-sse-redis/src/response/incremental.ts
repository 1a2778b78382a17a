import type { ServerResponse } from 'node:http';

const EVENT_STREAM = /^text\/event-stream\b/i;

/**
 * The arguments of `writeHead`, with `Incremental: ?1` for an event stream: RFC 10036 asks every intermediary with it to forward
 * the stream as it comes. `X-Accel-Buffering`, which Nest sends, is known to nginx and few others.
 *
 * The field goes into the object that Nest gives. `response.setHeader()` would make Node keep all fields of the head for as
 * long as the stream lives: 1 KB for each connection on Fastify. An answer that is no event stream goes unchanged.
 */
export function addIncremental(response: ServerResponse, args: unknown[]): unknown[] {
  const head = args.at(-1);
  if (typeof head !== 'object' || head === null || Array.isArray(head)) {
    const isStream = !response.headersSent && EVENT_STREAM.test(String(response.getHeader('content-type')));
    if (isStream && !response.hasHeader('incremental')) response.setHeader('Incremental', '?1');
    return args;
  }
  const fields = Object.entries(head).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  const isStream = fields.some(([name, value]) => name === 'content-type' && EVENT_STREAM.test(value));
  const isThere = response.hasHeader('incremental') || fields.some(([name]) => name === 'incremental');
  return isStream && !isThere ? [...args.slice(0, -1), { ...head, Incremental: '?1' }] : args;
}
