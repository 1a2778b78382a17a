import { jest } from '@jest/globals';
import { Fork, publish, told } from './failover-scene.js';

const AHEAD_MS = 2 * 3_600_000;
const { now } = Date;
// Before the processes start, as the clock of a machine is.
beforeEach(() => void jest.spyOn(Date, 'now').mockImplementation(() => now() + AHEAD_MS));
const fork = Fork.use();
beforeEach(() => fork.begin());
afterEach(() => jest.restoreAllMocks());

it('tells clients what a failover lost where the clock of a process is ahead of that of Redis by more than the history is kept', async () => {
  const client = await fork.present.client(['news']);
  const before = client.lastEventId;
  await publish(fork.old, 'news', 2);
  await fork.scene.switchOver();
  const gap = { channel: 'news', to: expect.any(String) };
  await client.waitFor(1);
  expect(told(client.messages)).toEqual([gap]);
  for (const process of [fork.old, fork.present]) {
    const back = await process.client(['news'], { lastEventId: before });
    await back.waitFor(1);
    expect(told(back.messages)[0]).toEqual(gap);
  }
});
