#!/bin/sh
# eventsource-parser 3.1.1 tells nobody of an id without data. WHATWG HTML 9.2.6 sets the last event id by such a block,
# so clients on this parser (eventsource 3 and 4, eventsource-client) reconnect with an older id. With an empty data line it
# works.
. "$(dirname "$0")/run.sh"
run eventsource-parser@3.1.1 'ids: 1,3' <<'JS'
import { createParser } from 'eventsource-parser';
import { report } from './server.mjs';

const ids = [];
const parser = createParser({ onEvent: ({ id }) => ids.push(id) });
parser.feed('id: 1\ndata: x\n\n');
parser.feed('id: 2\n\n');
parser.feed('id: 3\nevent: position\ndata:\n\n');
report(`ids: ${ids.join()}`);
JS
