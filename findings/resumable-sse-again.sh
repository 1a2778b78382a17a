#!/bin/sh
# resumable-sse 0.1.0 for Python sends an event again to a client that returns with its id, where the memory backend keeps the stream.
# `stream(last_id=...)` begins at the event with that id there, and after it in the Redis backend. WHATWG HTML 9.2.4 defines
# `Last-Event-ID` as the id of the last event that the client has.
. "$(dirname "$0")/run.sh"
run 'pip: resumable-sse==0.1.0 redis==8.1.0' 'first stream: 0 one
back with id 0: 0 one, 1 two, 2 three' <<'JS'
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report } from './server.mjs';

writeFileSync(
  'server.py',
  `import asyncio
from resumable_sse.factory import get_streamer

async def words():
    for word in ["one", "two", "three"]:
        yield word
        await asyncio.sleep(0.5)

async def main():
    streamer = get_streamer(backend="memory")
    first = streamer.stream(session_id="s", generator=words())
    event = await anext(first)
    print("first stream:", event["id"], event["data"])
    await first.aclose()
    back = [event async for event in streamer.stream(session_id="s", generator=words(), last_id=event["id"])]
    print(f"back with id {event['id']}:", ", ".join(f"{e['id']} {e['data']}" for e in back if e["event"] == "message"))

asyncio.run(main())
`,
);
report(spawnSync('python/bin/python', ['server.py'], { encoding: 'utf8' }).stdout.trim());
JS
