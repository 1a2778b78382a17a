import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the page lies, seen from wherever this file was compiled to: next to a folder on the way up to the root. */
export function publicDirectory(from = import.meta.url): string {
  const start = dirname(fileURLToPath(from));
  for (let directory = start; ; directory = dirname(directory)) {
    for (const candidate of [join(directory, 'public'), join(directory, 'apps', 'demo', 'public')]) {
      if (existsSync(join(candidate, 'index.html'))) return candidate;
    }
    if (directory === dirname(directory))
      throw new Error(`The demo's page (public/index.html) is not above ${start}`);
  }
}
