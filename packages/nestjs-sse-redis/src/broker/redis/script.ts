import { createHash } from 'node:crypto';

/** A text of a script, and the digest by which Redis knows it. */
interface ScriptText {
  readonly source: string;
  readonly sha: string;
}

/** A Lua script that runs in Redis, known by its digest. */
export class Script implements ScriptText {
  readonly sha: string;
  /**
   * The same for a cluster: announced to the subscribers of the slot's node, where PUBLISH would go to every node.
   *
   * Announcements have the line before the record. A master that was replaced takes what it announces to its successor, and
   * to the subscribers there: a shard has one bus (https://redis.io/docs/latest/commands/spublish/).
   */
  readonly sharded: ScriptText;

  /**
   * @param source the default export of `./scripts/<name>.lua.js`
   * @param opensClock whether it includes `line.lua`, and takes what is known of the line as its last argument
   */
  constructor(
    readonly source: string,
    readonly opensClock = false,
  ) {
    this.sha = digest(source);
    const sharded = source
      .replaceAll(/'PUBLISH', (\w+), record/g, "'SPUBLISH', $1, replid .. ' ' .. record")
      .replaceAll("'PUBLISH'", "'SPUBLISH'");
    this.sharded = { source: sharded, sha: digest(sharded) };
  }
}

function digest(source: string): string {
  return createHash('sha1').update(source).digest('hex');
}
