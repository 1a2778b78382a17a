#!/bin/sh
# light-my-request 6.8.0, which is `inject()` of Fastify 5.12.8: `setTimeout()` of its response is another than that of Node. Without a
# callback, which Node has as an option, it throws. Time 0, which ends a time-out of Node, calls the callback at once.
. "$(dirname "$0")/run.sh"
run 'fastify@5.12.8 light-my-request@6.8.0' 'over a socket: without a callback nothing thrown, of time 0 no time-out
by inject(): without a callback TypeError, of time 0 a time-out' <<'JS'
import Fastify from 'fastify';
import { report, sleep } from './server.mjs';

const app = Fastify();
app.get('/', async (_request, { raw }) => {
  let thrown = 'nothing thrown';
  let seen = 'no time-out';
  try {
    raw.setTimeout(60_000);
  } catch ({ name }) {
    thrown = name;
  }
  raw.setTimeout(0, () => (seen = 'a time-out'));
  await sleep(500);
  return `without a callback ${thrown}, of time 0 ${seen}`;
});

const address = await app.listen({ port: 0, host: '127.0.0.1' });
const real = await (await fetch(address)).text();
const { body } = await app.inject('/');
report(`over a socket: ${real}`, `by inject(): ${body}`);
JS
