import type { TransportName } from '../connection-options.js';
import { eventSourceStream } from './event-source-transport.js';
import { fetchStream } from './fetch-transport.js';
import type { Transport } from './transport.js';
import { xhrStream } from './xhr-transport.js';

/** @param fetches the application has given a `fetch` of its own */
export function chooseTransport(name: TransportName | undefined, fetches: boolean): Transport {
  if (name === 'event-source') return eventSourceStream;
  if (name === 'xhr' || (name === undefined && !fetches && !canStream())) return xhrStream;
  return fetchStream;
}

/** React Native's `Response` has no `body`. */
function canStream(): boolean {
  return typeof Response === 'undefined' || 'body' in Response.prototype;
}
