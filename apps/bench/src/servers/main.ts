import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '../processes/serve.js';
import { SHARDED } from '../event/shards.js';
import { CpuProfile } from './cpu-profile.js';
import type { PeerName } from './peer-names.js';
import type { StartServer } from './server.js';

/** Each is loaded only where it runs. */
const start: Record<PeerName, StartServer> = {
  net: async (url) => (await import('./net.server.js')).startNet(url),
  http: async (url) => (await import('./http.server.js')).startHttp(url),
  'hub-fastify': async (url) => (await import('./hub.server.js')).startHub(url, 'fastify'),
  'hub-express': async (url) => (await import('./hub.server.js')).startHub(url, 'express'),
  'hub-shards': async (url) => (await import('./hub.server.js')).startHub(url, 'fastify', SHARDED),
  'nest-fastify': async (url) => (await import('./handwritten.server.js')).startHandwritten(url, 'fastify'),
  'nest-express': async (url) => (await import('./handwritten.server.js')).startHandwritten(url, 'express'),
  'better-sse': async (url) => (await import('./better-sse.server.js')).startBetterSse(url),
  transmit: async (url) => (await import('./transmit.server.js')).startTransmit(url),
  'fastify-sse': async (url) => (await import('./fastify-sse.server.js')).startFastifySse(url),
};

const [peer, redisUrl] = process.argv.slice(2) as [PeerName, string];
const port = await start[peer](redisUrl);

const profile = new CpuProfile();

const methods = {
  port: () => port,
  /** Microseconds, user and system. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  startProfile: () => profile.start(),
  writeProfile: (file: string) => profile.write(file),
  collectGarbage: () => globalThis.gc?.(),
  /** Bytes resident after garbage has been collected. */
  memory: async () => {
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await pause(50);
    }
    return process.memoryUsage.rss();
  },
};

export type ServerMethods = typeof methods;

serve(methods);
