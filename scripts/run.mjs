// What every script needs: where the repository is, and how to run a command in it.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A command that a development dependency brought along. */
export const bin = (name) => join(root, 'node_modules', '.bin', name);

/** The first of the names that can be executed, as a full path. A name with a slash is a path already. */
export function findOnPath(...names) {
  for (const name of names) {
    if (name.includes('/') && isExecutable(name)) return name;
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder && isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** Runs a command to its end. With `quiet` its output is kept and returned instead of shown. */
export function run(command, args, { env = {}, cwd = root, quiet = false } = {}) {
  return new Promise((resolve) => {
    const stdio = ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (output += text));
    }
    child.once('error', (error) => resolve({ ok: false, code: 127, output: `${output}${error.message}\n` }));
    child.once('close', (code, signal) => resolve({ ok: code === 0, code: code ?? 1, signal, output }));
  });
}

/** What a person has to do before a script can go on: shown as it is, without a stack. */
export class SetupError extends Error {}

/** Runs a script's main function if the script was started itself, not imported. */
export async function main(meta, body) {
  if (process.argv[1] !== fileURLToPath(meta.url)) return;
  try {
    await body();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
