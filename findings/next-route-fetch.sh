#!/bin/sh
# Next 16.4.6: a route handler that returns `fetch()` of a stream keeps the stream open when its client has left, and reads on. Next's own
# `fetch` clones the answer, and a cloned body ends when both copies are cancelled. Next cancels the copy that it sent. The other waits
# for the garbage collector. With `signal: request.signal`, and with `rewrites()`, the stream ends at once. The same handler in
# srvx 1.0.8 ends it, too.
. "$(dirname "$0")/run.sh"
export NEXT_TELEMETRY_DISABLED=1
run 'next@16.4.6 react@19.3.1 react-dom@19.3.1 srvx@1.0.8' 'next, return fetch(url): the server does not see it in 3 s
next, with signal: request.signal: the server sees it
next, rewrites(): the server sees it
srvx, return fetch(url): the server sees it' <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { toNodeHandler } from 'srvx/node';
import { report, sleep, startServer, stream } from './server.mjs';

let current;
const upstream = await startServer((response) => {
  current = stream(response, 'data: 1\n\n');
  const timer = setInterval(() => response.write('data: 1\n\n'), 100);
  response.once('close', () => clearInterval(timer));
});

writeFileSync('package.json', JSON.stringify({ ...JSON.parse(readFileSync('package.json')), type: 'module' }));
const route = (name, init) => {
  mkdirSync(`app/${name}`, { recursive: true });
  writeFileSync(`app/${name}/route.js`, `export const GET = (request) => fetch('${upstream.url}', { cache: 'no-store'${init} });`);
};
route('plain', '');
route('signal', ', signal: request.signal');
writeFileSync('app/layout.jsx', 'export default ({ children }) => <html><body>{children}</body></html>;');
writeFileSync('app/page.jsx', 'export default () => null;');
const rewrites = `[{ source: '/rewritten', destination: '${upstream.url}' }]`;
writeFileSync('next.config.mjs', `export default { rewrites: async () => ${rewrites} };`);
const next = (...words) => spawn('node', ['node_modules/next/dist/bin/next', ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
const build = next('build');
build.stdout.resume();
await once(build, 'close');
const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const { port } = free.address();
await new Promise((resolve) => free.close(resolve));
const server = next('start', '-p', String(port), '-H', '127.0.0.1');
process.on('exit', () => server.kill());
let said = '';
server.stdout.on('data', (data) => (said += data));
while (!said.includes('Ready') && server.exitCode === null) await sleep(50);

async function leave(name, url) {
  const client = get(url, { agent: false, headers: { accept: 'text/event-stream' } });
  client.on('error', () => undefined);
  const [answer] = await once(client, 'response');
  answer.on('error', () => undefined);
  await once(answer, 'data');
  const sees = new Promise((resolve) => current.once('close', () => resolve('sees it')));
  client.destroy();
  return `${name}: the server ${await Promise.race([sees, sleep(3_000).then(() => 'does not see it in 3 s')])}`;
}
const lines = [
  await leave('next, return fetch(url)', `http://127.0.0.1:${port}/plain`),
  await leave('next, with signal: request.signal', `http://127.0.0.1:${port}/signal`),
  await leave('next, rewrites()', `http://127.0.0.1:${port}/rewritten`),
];
const other = createServer(toNodeHandler(() => fetch(upstream.url))).listen(0, '127.0.0.1');
await once(other, 'listening');
report(...lines, await leave('srvx, return fetch(url)', `http://127.0.0.1:${other.address().port}`));
JS
