#!/bin/sh
# RxJS 7.8.2 does not leave an async iterable when its subscriber unsubscribes. `from(iterable)` looks at the subscriber behind each
# value alone, so that `return()` is called with the next one, which may never come. Here the consumer unsubscribes after the first
# value, a timer passes, and the source is left once it gives another value.
. "$(dirname "$0")/run.sh"
run 'rxjs@7.8.2' 'unsubscribed: left false
100 ms later: left false
behind the next value: left true, received 1' <<'JS'
import { from } from 'rxjs';
import { report, sleep } from './server.mjs';

let give;
let left = false;
const source = {
  [Symbol.asyncIterator]: () => source,
  next: () => new Promise((resolve) => (give = (value) => resolve({ done: false, value }))),
  return: async () => ((left = true), { done: true, value: undefined }),
};
const received = [];
const subscription = from(source).subscribe((value) => received.push(value));
give(1);
await sleep(10);
subscription.unsubscribe();
const seen = [`unsubscribed: left ${left}`];
await sleep(100);
seen.push(`100 ms later: left ${left}`);
give(2);
await sleep(10);
report(...seen, `behind the next value: left ${left}, received ${received.join()}`);
JS
