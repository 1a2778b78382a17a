export const peerNames = [
  'net',
  'http',
  'hub-fastify',
  'hub-express',
  'hub-shards',
  'nest-fastify',
  'nest-express',
  'better-sse',
  'transmit',
  'fastify-sse',
] as const;

export type PeerName = (typeof peerNames)[number];
