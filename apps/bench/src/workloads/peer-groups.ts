import type { PeerName } from '../servers/peer-names.js';

export const HUBS: readonly PeerName[] = ['hub-fastify', 'hub-express'];
export const HANDWRITTEN: readonly PeerName[] = ['nest-fastify', 'nest-express'];
const LIBRARIES: readonly PeerName[] = ['better-sse', 'transmit', 'fastify-sse'];

/** The floor, the hub, and what a user would take instead. */
export const DELIVERING: readonly PeerName[] = ['net', ...HUBS, ...HANDWRITTEN, ...LIBRARIES];
/** Where `node:http` is what to compare with. */
export const WITH_HTTP: readonly PeerName[] = ['http', ...HUBS, ...HANDWRITTEN, ...LIBRARIES];
/** Those that subscribe to a channel of Redis for each channel of a client. @boringnode/transmit sends all events over one. */
export const SUBSCRIBING: readonly PeerName[] = WITH_HTTP.filter((name) => name !== 'transmit');
