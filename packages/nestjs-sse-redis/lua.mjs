// The Lua scripts as JavaScript modules: `scripts/publish.lua` is imported as `./scripts/publish.lua.js`, whose default export is the text.
// So no file is read at run time, and bundlers and Jest find nothing to resolve. The build writes these modules, and Jest makes them
// as it loads a script (this file is its transformer), so that none is ever older than its Lua.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = `${sep}scripts${sep}`;

/** The text of a script. Where the script says `-- @include <part>`, `scripts/include/<part>.lua` stands. */
export function readScript(path) {
  const folder = path.slice(0, path.lastIndexOf(FOLDER) + FOLDER.length);
  const include = (_, part) => readFileSync(join(folder, 'include', `${part}.lua`), 'utf8').trimEnd();
  return readFileSync(path, 'utf8').replace(/^-- @include (\w+)$/gm, include);
}

/** Whether a file is a script, not a part of scripts. */
export function isScript(path) {
  return path.endsWith('.lua') && !path.includes(`${FOLDER}include${sep}`);
}

/** The module that stands for a script. */
export function toModule(path) {
  return `export default ${JSON.stringify(readScript(path))};\n`;
}

/** Jest's transformer of `.lua` (https://jestjs.io/docs/code-transformation). */
export default {
  process: (_text, path) => ({ code: toModule(path) }),
  // Jest's own key knows the script alone, and the parts that it includes change, too.
  getCacheKey: (_text, path) =>
    createHash('sha1')
      .update(readFileSync(fileURLToPath(import.meta.url)))
      .update(path)
      .update(readScript(path))
      .digest('hex'),
};
