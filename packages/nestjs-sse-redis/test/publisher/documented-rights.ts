import { readFileSync } from 'node:fs';

interface Rights {
  readonly script: string[];
  /** What state channels and short logs need besides. */
  readonly more: string[];
  /** What `createPublisher()` needs besides on a cluster. */
  readonly cluster: string[];
}

/** The rights of a user of Redis that docs/publishing.md names. */
export function readRights(): Rights {
  const page = readFileSync(new URL('../../../../docs/publishing.md', import.meta.url), 'utf8');
  const [, script, more] =
    /resetchannels &\{sse\}:\*` and `([^`]+)`[^`]*`[^`]*`[^`]*`[^`]*` needs `([^`]+)`/.exec(page)!;
  const [, cluster] = /On a cluster[^`]*`createPublisher\(\)` needs `([^`]+)`/.exec(page)!;
  return { script: script!.split(/\s+/), more: more!.split(/\s+/), cluster: cluster!.split(/\s+/) };
}
