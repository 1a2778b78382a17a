#!/bin/sh
# event-source-plus 0.1.15 drops the data lines of an event that precede a comment line. WHATWG HTML 9.2.6 ignores the
# comment alone, so the event has both lines.
. "$(dirname "$0")/run.sh"
run event-source-plus@0.1.15 'data: "second"' <<'JS'
import { EventSourcePlus } from 'event-source-plus';
import { report, startServer, stream } from './server.mjs';

const { url } = await startServer((response) => stream(response, 'data: first\n: a comment\ndata: second\n\n'));
new EventSourcePlus(url).listen({ onMessage: ({ data }) => report(`data: ${JSON.stringify(data)}`) });
JS
