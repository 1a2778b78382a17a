import { announceReady, serveRequests } from '@nestjs-sse-redis/testing/child';
import { urlOf, type ClientState, type StreamRequest } from './client-state.js';
import { libraries, type LibraryClient } from './libraries.js';

/** What the test asks of the process that runs the client libraries. */
export type LibrariesRequest =
  | { readonly kind: 'open'; readonly stream: StreamRequest }
  | { readonly kind: 'states' | 'close'; readonly fleet: string };

/** Outside of Jest: libraries meet the globals and timers of a real Node. */
const fleets = new Map<string, Map<string, LibraryClient>>();

function open(stream: StreamRequest): string[] {
  const clients = new Map<string, LibraryClient>();
  for (const [name, openClient] of Object.entries(libraries)) {
    clients.set(name, openClient(urlOf(stream, name), stream.closeOnEnd.includes(name)));
  }
  fleets.set(stream.fleet, clients);
  return [...clients.keys()];
}

function countStates(fleet: string): [string, ClientState][] {
  return [...fleets.get(fleet)!].map(([name, client]) => [name, client.state()]);
}

function close(fleet: string): void {
  for (const client of fleets.get(fleet)?.values() ?? []) client.close();
  fleets.delete(fleet);
}

serveRequests((message) => {
  const request = message as LibrariesRequest;
  switch (request.kind) {
    case 'open':
      return open(request.stream);
    case 'states':
      return countStates(request.fleet);
    case 'close':
      return close(request.fleet);
    default:
      throw new TypeError('No such request.');
  }
});
announceReady(0);
