import { createHash } from 'node:crypto';

/** A Lua script that runs in Redis, known by its digest. */
export class Script {
  readonly sha: string;

  /** @param source the default export of `./scripts/<name>.lua.js` */
  constructor(readonly source: string) {
    this.sha = createHash('sha1').update(source).digest('hex');
  }
}
