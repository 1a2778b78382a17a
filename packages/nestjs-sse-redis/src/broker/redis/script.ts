import { createHash } from 'node:crypto';

/** A Lua script that runs in Redis, known by its digest. */
export class Script {
  readonly sha: string;

  /**
   * @param source the default export of `./scripts/<name>.lua.js`
   * @param opensClock whether it includes `line.lua`, and takes what is known of the line as its last argument
   */
  constructor(
    readonly source: string,
    readonly opensClock = false,
  ) {
    this.sha = createHash('sha1').update(source).digest('hex');
  }
}
