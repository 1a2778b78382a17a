import { SseStream, until, type SseBlock } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { Hubs } from './hubs.js';

const hubs = Hubs.over('redis');

/** What somebody else may have put where the log of a channel should be. */
const damages = [
  { damage: 'an entry of another program', commands: [['XADD', 'LOG', '*', 'field', 'value']] },
  { damage: 'an entry with a number alone', commands: [['XADD', 'LOG', '*', 'r', '17']] },
  { damage: 'a first entry of another program', commands: [['DEL', 'LOG'], ['XADD', 'LOG', '*', 'f', 'v']] }, // prettier-ignore
  { damage: 'a text', commands: [['SET', 'LOG', 'text']] },
  {
    damage: 'a list',
    commands: [
      ['DEL', 'LOG'],
      ['RPUSH', 'LOG', 'item'],
    ],
  },
];

it.each(damages)(
  'tells clients of a gap and serves their other channels where a log holds $damage',
  async ({ commands }) => {
    const prefix = randomUUID();
    const { hub, url } = await startHub(prefix);
    const { id } = await hub.publish('other', { data: 'before' });
    const { id: own } = await hub.publish('damaged', { data: 1 });
    // Redis gives the other program's entry an id by the time: in the same millisecond it could be an earlier one.
    await until(() => Date.now() > Number(own.split('-')[0]));
    for (const [command, ...args] of commands)
      await hubs.redis.cli(command!, ...args.map((arg) => (arg === 'LOG' ? `{${prefix}}:log:damaged` : arg)));
    await hub.publish('other', { data: 'after' });
    // Refused where the key is no stream.
    const newer = await hub.publish('damaged', { data: 2 }).catch(() => undefined);

    const stream = SseStream.open(url, { lastEventId: id });
    hubs.closeLater(() => stream.close());
    await stream.waitForBlock(has('after'));
    if (newer) await stream.waitForBlock(has('2'));
    await stream.waitForBlock(isGap);

    await hub.publish('other', { data: 'live' });
    await stream.waitForBlock(has('live'));
    const sent = ['after', '2'].map((data) => stream.blocks.filter(has(data)).length);
    expect(sent).toEqual([1, newer ? 1 : 0]);
    // It is told once: the position is behind the damage now.
    const again = SseStream.open(url, { lastEventId: stream.lastEventId });
    hubs.closeLater(() => again.close());
    await hub.publish('other', { data: 'last' });
    await again.waitForBlock(has('last'));
    expect(again.blocks.filter(isGap)).toEqual([]);
  },
);

function has(data: string) {
  return ({ message }: SseBlock): boolean => message?.data === data;
}

function isGap({ message }: SseBlock): boolean {
  return message?.type === 'gap' && message.data.includes('"channel":"damaged"');
}

async function startHub(prefix: string) {
  const test = await hubs.start({ prefix });
  return { hub: test.hub, url: test.url('other', 'damaged') };
}
