// Groups of test files that Jest runs as one: libs/testing/src/spec-group.ts says why. Only for a run of all tests.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isLong } from './long-specs.mjs';
import { root } from './run.mjs';

/** Files of a group. Groups are run at once: with larger ones, the last would run alone at the end. */
const SIZE = 8;

const FOLDERS = ['packages', 'apps', 'libs'];

/** A mocked module would be mocked for its whole group. A snapshot belongs to the file that Jest runs. A group cannot have groups. */
const ALONE = /unstable_mockModule|toMatchSnapshot|runAsOneFile/;

/** Always the same one, since Jest compiles everything again for other folders. */
const folder = join(root, '.test-groups');

/** Writes the groups, and into `grouped.json` the paths of the specs in them. Gives the folder. */
export function writeGroups() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const specs = FOLDERS.flatMap(specsIn).filter(canBeGrouped).sort();
  for (let i = 0; i < specs.length; i += SIZE) {
    const name = `group-${String(i / SIZE + 1).padStart(2, '0')}.spec.ts`;
    writeFileSync(join(folder, name), textOf(specs.slice(i, i + SIZE)));
  }
  writeFileSync(join(folder, 'grouped.json'), JSON.stringify(specs));
  return folder;
}

function specsIn(folder) {
  const paths = readdirSync(join(root, folder), { recursive: true }).map((path) => join(root, folder, path));
  return paths.filter(
    (path) =>
      path.endsWith('.spec.ts') && !/node_modules|[/]dist[/]|consumers|proxies/.test(relative(root, path)),
  );
}

const canBeGrouped = (path) => !isLong(path) && !ALONE.test(readFileSync(path, 'utf8'));

function textOf(specs) {
  const paths = JSON.stringify(specs, undefined, 2);
  return [
    `import { runAsOneFile } from ${JSON.stringify(join(root, 'libs/testing/src/spec-group.ts'))};`,
    `await runAsOneFile(${paths}, (path: string) => path.slice(${root.length}));`,
    '',
  ].join('\n');
}
