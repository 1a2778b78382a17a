import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What the import map of the page names, by its path: the builds of the client and of the one package that it needs. A page that is
 * bundled has them inside.
 */
export function clientDirectories(): [prefix: string, directory: string][] {
  const client = fileURLToPath(import.meta.resolve('nestjs-sse-redis-client'));
  const parser = createRequire(client).resolve('eventsource-parser');
  return [
    ['/client/', dirname(client)],
    ['/eventsource-parser/', dirname(parser)],
  ];
}
