import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script that runs in Redis, known by its digest. */
export class Script {
  readonly sha: string;

  private constructor(readonly source: string) {
    this.sha = createHash('sha1').update(source).digest('hex');
  }

  /** Reads `scripts/<name>.lua`; where it says `-- @include <part>`, `scripts/include/<part>.lua` is put. */
  static load(name: string): Script {
    return new Script(
      read(name).replace(/^-- @include (\w+)$/gm, (_, part: string) => read(`include/${part}`).trimEnd()),
    );
  }
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
