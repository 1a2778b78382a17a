#!/bin/sh
# sveltekit-sse 0.14.3: the stores of one `source()` share a stream, and the first store that loses its last subscriber closes it for all. So a
# component that goes away silences the stores of other events on the page, though they have subscribers. Their values stay as they
# are, and nothing tells them. The README says that sources of a path share a connection, and that an inactive store closes it.
. "$(dirname "$0")/run.sh"
run 'sveltekit-sse@0.14.3 svelte@5.57.3 esbuild@0.28.1' 'one of two subscribers of news leaves: price goes on; open streams 1
the last subscriber of news leaves: price stands still for 2 s; open streams 0' <<'JS'
import { build } from 'esbuild';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { report, sleep, startServer } from './server.mjs';

let open = 0;
const { url } = await startServer((response) => {
  open++;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let n = 0;
  const timer = setInterval(() => response.write(`event: news\ndata: ${++n}\n\nevent: price\ndata: ${n}\n\n`), 50);
  response.on('close', () => {
    open--;
    clearInterval(timer);
  });
});

// A page: the package asks for a document, and its imports are a bundler's.
globalThis.document = new EventTarget();
globalThis.window = globalThis;
writeFileSync('page.js', "export { source } from 'sveltekit-sse';");
await build({ entryPoints: ['page.js'], bundle: true, conditions: ['svelte', 'browser'], format: 'cjs', outfile: 'page.cjs' });
const { source } = createRequire(import.meta.url)('./page.cjs');

const seen = {};
const stream = source(url);
const news = stream.select('news');
const leaves = [1, 2].map(() => news.subscribe((value) => (seen.news = value)));
stream.select('price').subscribe((value) => (seen.price = value));
while (!seen.news || !seen.price) await sleep(20);

async function leave(which, unsubscribe) {
  unsubscribe();
  await sleep(500);
  const before = seen.price;
  await sleep(2_000);
  return `${which} leaves: price ${seen.price === before ? 'stands still for 2 s' : 'goes on'}; open streams ${open}`;
}
report(await leave('one of two subscribers of news', leaves[0]), await leave('the last subscriber of news', leaves[1]));
JS
