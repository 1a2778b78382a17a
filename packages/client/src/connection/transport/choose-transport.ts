import type { TransportName } from '../connection-options.js';
import { fetchStream } from './fetch-transport.js';
import type { Transport } from './transport.js';

/**
 * Pages that fetch load no other transport: these are files of their own.
 *
 * @param fetches the application has given a `fetch` of its own
 */
export async function chooseTransport(name: TransportName | undefined, fetches: boolean): Promise<Transport> {
  if (name === 'event-source') return (await import('./event-source-transport.js')).eventSourceStream;
  if (name === 'xhr' || (name === undefined && !fetches && !canStream()))
    return (await import('./xhr-transport.js')).xhrStream;
  return fetchStream;
}

/** React Native's `Response` has no `body`. */
function canStream(): boolean {
  return typeof Response === 'undefined' || 'body' in Response.prototype;
}
