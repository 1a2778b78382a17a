#!/bin/sh
# ioredis 5.11.1 names an error that Redis replied after its class: `name` of redis-errors 1.2.0 is `this.constructor.name`. Bundlers
# rename classes: esbuild where two of a bundle have one name, as redis-errors itself has, and minifiers all of them. In a bundle
# `error.name === 'ReplyError'` is then false for every refusal, and that comparison is a usual way to tell a refusal from a lost
# connection. ioredis 6.0.0 has a constant there. `instanceof ReplyError` is true in both.
. "$(dirname "$0")/run.sh"
run 'ioredis-5@npm:ioredis@5.11.1 ioredis-6@npm:ioredis@6.0.0 esbuild@0.28.2' 'ioredis 5 from node_modules: ReplyError, instance of ReplyError true
ioredis 5 bundled: ReplyError2, instance of ReplyError true
ioredis 5 bundled and minified: dt, instance of ReplyError true
ioredis 6 from node_modules: ReplyError, instance of ReplyError true
ioredis 6 bundled: ReplyError, instance of ReplyError true
ioredis 6 bundled and minified: ReplyError, instance of ReplyError true' <<'JS'
import { build } from 'esbuild';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { commands, report } from './server.mjs';

const server = createServer((socket) => {
  socket.on('error', () => {}).on('data', (data) => {
    for (const [name] of commands(data.toString()))
      socket.write(name.toLowerCase() === 'get' ? "-OOM command not allowed when used memory > 'maxmemory'.\r\n" : '+OK\r\n');
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const program = (version) => `
  import { Redis, ReplyError } from 'ioredis-${version}';
  const redis = new Redis({ port: ${server.address().port}, host: '127.0.0.1', protocol: 2, enableReadyCheck: false });
  redis.get('key').catch((error) => {
    console.log(error.name + ', instance of ReplyError ' + (error instanceof ReplyError));
    redis.disconnect();
  });`;
const ways = {
  'from node_modules': { bundle: false },
  bundled: { bundle: true },
  'bundled and minified': { bundle: true, minify: true },
};

const lines = [];
for (const version of [5, 6])
  for (const [way, options] of Object.entries(ways)) {
    const outfile = 'program.cjs';
    const stdin = { contents: program(version), resolveDir: import.meta.dirname };
    await build({ stdin, ...options, platform: 'node', format: 'cjs', outfile, logLevel: 'error' });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
    lines.push(`ioredis ${version} ${way}: ${stdout.trim()}`);
  }
report(...lines);
JS
