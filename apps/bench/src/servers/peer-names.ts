export type PeerName =
  | 'net'
  | 'http'
  | 'hub-fastify'
  | 'hub-express'
  | 'nest-fastify'
  | 'nest-express'
  | 'better-sse'
  | 'transmit'
  | 'fastify-sse';
