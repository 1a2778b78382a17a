#!/bin/sh
# @boringnode/transmit 0.4.0, the core of @adonisjs/transmit, cannot change the channels of a stream that overlaps its predecessor.
# A client keeps its `uid` when it returns, and a server can notice the end of the old connection later. That end deletes the uid,
# also for the new stream. From then on `unsubscribe` resolves to true and events go on, and `subscribe` resolves to false.
. "$(dirname "$0")/run.sh"
run '@boringnode/transmit@0.4.0' 'old stream ends first: unsubscribe true, subscribe true, events: wanted
old stream ends later: unsubscribe true, subscribe false, events: unwanted' <<'JS'
import { Transmit } from '@boringnode/transmit';
import { get } from 'node:http';
import { report, sleep, startServer } from './server.mjs';

/** @param endsFirst whether the server notices the end of the old connection before the new one begins */
async function reconnect(name, endsFirst) {
  const transmit = new Transmit({});
  const uid = 'client';
  const { url } = await startServer((response, _n, request) => transmit.createStream({ uid, request, response }));
  let text = '';
  const open = () =>
    get(url, (response) => response.on('error', () => undefined).on('data', (data) => (text += data))).on('error', () => undefined);
  const old = open();
  await sleep(500);
  if (endsFirst) old.destroy();
  await sleep(500);
  open();
  await sleep(500);
  await transmit.subscribe({ uid, channel: 'news' });
  old.destroy();
  await sleep(500);
  const unsubscribed = await transmit.unsubscribe({ uid, channel: 'news' });
  transmit.broadcast('news', 'unwanted');
  const subscribed = await transmit.subscribe({ uid, channel: 'sport' });
  transmit.broadcast('sport', 'wanted');
  await sleep(500);
  const got = ['unwanted', 'wanted'].filter((word) => text.includes(`"${word}"`));
  return `${name}: unsubscribe ${unsubscribed}, subscribe ${subscribed}, events: ${got.join(', ')}`;
}
report(await reconnect('old stream ends first', true), await reconnect('old stream ends later', false));
JS
