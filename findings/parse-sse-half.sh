#!/bin/sh
# parse-sse 0.1.0 hands over half of an event, with its id, where a stream ends inside it. A client that resumes from that id skips
# the event. WHATWG HTML 9.2.6: "Once the end of the file is reached, any pending data must be discarded." Such an end is common:
# several proxies turn the death of a server into a clean end over HTTP/2. eventsource-parser 4.1.3 discards the half.
. "$(dirname "$0")/run.sh"
run 'parse-sse@0.1.0 eventsource-parser@4.1.3' 'parse-sse: ["1 one","2 [10, 2"]
eventsource-parser: ["1 one"]' <<'JS'
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { parseServerSentEvents } from 'parse-sse';
import { report, startServer, stream } from './server.mjs';

const { url } = await startServer((response) => stream(response, 'id: 1\ndata: one\n\nid: 2\ndata: [10, 2').end());
const seen = { 'parse-sse': [], 'eventsource-parser': [] };
for await (const { lastEventId, data } of parseServerSentEvents(await fetch(url))) seen['parse-sse'].push(`${lastEventId} ${data}`);
const { body } = await fetch(url);
for await (const { id, data } of body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())) {
  seen['eventsource-parser'].push(`${id} ${data}`);
}
report(...Object.entries(seen).map(([name, events]) => `${name}: ${JSON.stringify(events)}`));
JS
