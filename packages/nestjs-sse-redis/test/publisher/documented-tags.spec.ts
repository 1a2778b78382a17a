import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ShardMap } from '../../src/event/shard-map.js';
import { hasPython } from './python-publisher.js';

const PAGE = readFileSync(new URL('../../../../docs/publishing.md', import.meta.url), 'utf8');
const CHANNELS = [
  'news',
  'user:42',
  '{room7}:chat',
  'chat:{room7}',
  '{}a',
  'a{b',
  'a}b{c}',
  'é🙂',
  '{é}x',
  'x'.repeat(256),
];
const SHARDS = [1, 2, 3, 12, 64];

(hasPython ? it : it.skip)('the Python of docs/publishing.md finds the tags that the hub uses', () => {
  const [, code] = /```python\n(from binascii[^]*?)```/.exec(PAGE)!;
  const program = `${code}
import json, sys
channels, shards = json.loads(sys.stdin.read())
print(json.dumps([[tag_of(channel, count) for channel in channels] for count in shards]))`;
  const output = execFileSync('python3', ['-c', program], { input: JSON.stringify([CHANNELS, SHARDS]) });
  const expected = SHARDS.map((count) => {
    const map = new ShardMap(count);
    return CHANNELS.map((channel) => (count === 1 ? 'sse' : map.tagOf(map.of(channel), 'sse')));
  });
  expect(JSON.parse(output.toString())).toEqual(expected);
});
