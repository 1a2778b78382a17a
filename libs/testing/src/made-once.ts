import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Within the repository, so that its dependencies are found from there. */
const cache = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));
const KEPT_MS = 24 * 3_600_000;

/**
 * A folder that is made once for each state of what it is made of.
 *
 * @param kind the name of the folder of all its states
 * @param state a hash of what it is made of
 * @param make fills a draft of it
 * @returns its path
 */
export async function madeOnce(
  kind: string,
  state: string,
  make: (draft: string) => Promise<void>,
): Promise<string> {
  const folder = join(cache, kind, state);
  if (existsSync(folder)) return folder;
  mkdirSync(join(cache, kind), { recursive: true });
  forgetOld(join(cache, kind));
  const draft = `${folder}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  try {
    await make(draft);
    // In one step: another process may be doing the same, and may have been first.
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Of what is no longer so. */
function forgetOld(kind: string): void {
  for (const name of readdirSync(kind)) {
    const folder = join(kind, name);
    // Another process may be doing the same.
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > KEPT_MS) rmSync(folder, { recursive: true, force: true });
  }
}
