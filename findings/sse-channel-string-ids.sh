#!/bin/sh
# sse-channel 4.0.2 sends a returning client too little, if the ids are strings. It looks back in its history as far as the first
# id that is not greater than the client's, and compares strings by letters. "10" is less than "9", so a client that comes back
# with 9 gets neither 10 nor 11. With numbers as ids it gets both, and on the wire the two are the same. An id that went through
# JSON or Redis as a string loses events, as 5-9 and 5-10 of a Redis stream. The README says of `msg.id` that it ensures that all
# are received. Numbers are named in a comment of the code alone. WHATWG HTML 9.2 has ids as strings without an order.
. "$(dirname "$0")/run.sh"
run sse-channel@4.0.2 'ids 8, 9, 10, 11 as numbers, back with 9: 10, 11
ids 8, 9, 10, 11 as strings, back with 9: none
ids 5-8, 5-9, 5-10, 5-11 as strings, back with 5-9: none' <<'JS'
import { get } from 'node:http';
import Channel from 'sse-channel';
import { report, sleep, startServer } from './server.mjs';

/** What a client is sent that comes back with the second id. */
async function comeBack(ids, what) {
  const channel = new Channel();
  for (const id of ids) channel.send({ id, data: 'x' });
  const { url } = await startServer((response, _n, request) => channel.addClient(request, response));
  let text = '';
  get(url, { headers: { 'last-event-id': String(ids[1]) }, agent: false }, (response) => {
    response.on('data', (data) => (text += data));
  });
  await sleep(700);
  const sent = Array.from(text.matchAll(/^id: (.*)$/gm), ([, id]) => id).join(', ') || 'none';
  return `ids ${ids.join(', ')} as ${what}, back with ${ids[1]}: ${sent}`;
}
report(
  await comeBack([8, 9, 10, 11], 'numbers'),
  await comeBack(['8', '9', '10', '11'], 'strings'),
  await comeBack(['5-8', '5-9', '5-10', '5-11'], 'strings'),
);
JS
