import { MemoryBroker } from '../../src/broker/memory/memory-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { publication, publishAll } from './broker-set-ups.js';

const ALL = { records: 1_000, bytes: Infinity };
const KEYS = 100;

it('keeps no more memory for the newest event of a key than its bytes', async () => {
  const broker = new MemoryBroker(resolveOptions(), 'node', undefined, (channel) => channel === 'board');
  for (let i = 0; i < KEYS; i++) {
    const state = { key: `key${i}`, maxKeys: KEYS };
    await publishAll(broker, { ...publication('board', i), state }, publication('other', 'x'.repeat(100)));
  }
  const { records } = (await broker.read([{ channel: 'board', after: 0 }], ALL))[0]!;
  expect(records).toHaveLength(KEYS);
  const kept = new Map(records.map(({ frame }) => [frame.buffer, frame.buffer.byteLength]));
  const bytes = records.reduce((sum, { frame }) => sum + frame.length, 0);
  expect([...kept.values()].reduce((sum, length) => sum + length, 0)).toBe(bytes);
  await broker.close();
});
