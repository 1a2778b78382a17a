import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PublisherName } from './publisher/publisher.js';
import type { PeerName } from './servers/peer-names.js';

export interface Peer {
  readonly name: PeerName;
  readonly label: string;
  /** The packages whose versions say what was measured; Node comes with all. */
  readonly packages: readonly string[];
  readonly publisher: PublisherName;
}

const nest = ['@nestjs/core', 'ioredis'];

export const peers: readonly Peer[] = [
  { name: 'net', label: 'node:net, the floor', packages: ['ioredis'], publisher: 'plain' },
  { name: 'http', label: 'node:http', packages: ['ioredis'], publisher: 'plain' },
  {
    name: 'hub-fastify',
    label: 'this hub, Fastify',
    packages: ['nestjs-sse-redis', ...nest, 'fastify'],
    publisher: 'hub',
  },
  {
    name: 'hub-express',
    label: 'this hub, Express',
    packages: ['nestjs-sse-redis', ...nest, 'express'],
    publisher: 'hub',
  },
  {
    name: 'hub-shards',
    label: 'this hub, three shards, Fastify',
    packages: ['nestjs-sse-redis', ...nest, 'fastify'],
    publisher: 'hub-shards',
  },
  {
    name: 'nest-fastify',
    label: 'hand-written Nest, Fastify',
    packages: [...nest, 'rxjs', 'fastify'],
    publisher: 'plain',
  },
  {
    name: 'nest-express',
    label: 'hand-written Nest, Express',
    packages: [...nest, 'rxjs', 'express'],
    publisher: 'plain',
  },
  { name: 'better-sse', label: 'better-sse', packages: ['better-sse', 'ioredis'], publisher: 'plain' },
  {
    name: 'transmit',
    label: '@boringnode/transmit',
    packages: ['@boringnode/transmit', 'ioredis'],
    publisher: 'transmit',
  },
  {
    name: 'fastify-sse',
    label: '@fastify/sse',
    packages: ['@fastify/sse', 'fastify', 'ioredis'],
    publisher: 'plain',
  },
];

export function peerOf(name: PeerName): Peer {
  return peers.find((peer) => peer.name === name) as Peer;
}

/** `package version`, of what is installed. */
export function versionsOf({ packages }: Peer): string[] {
  return packages.map((name) => `${name} ${versionOf(name)}`);
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  let folder = dirname(entryOf(name, require));
  for (;;) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === name && manifest.version) return manifest.version;
    } catch {
      // no package.json in this folder
    }
    if (folder === dirname(folder)) throw new Error(`${name} is not installed`);
    folder = dirname(folder);
  }
}

function entryOf(name: string, require: NodeJS.Require): string {
  try {
    return fileURLToPath(import.meta.resolve(name));
  } catch {
    return require.resolve(name);
  }
}
