import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { Subject } from 'rxjs';
import type { SseEvent } from 'nestjs-sse-redis';
import { awaitEnd, type RunSources } from '../../src/runs/joined-run.js';

const RUN = '1-0';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('the wait for the end of a run of another process', () => {
  it('listens again at once where the run still goes on', async () => {
    const events: Subject<SseEvent>[] = [];
    const sources: RunSources = {
      find: () => Promise.resolve({ id: RUN, node: 'n', state: 'running', startedAt: 0, endedAt: undefined }),
      observe: () => {
        events.push(new Subject());
        return events.at(-1)!;
      },
      read: () => Promise.reject(new Error('nothing is to be read')),
      // Nobody would hear the end meanwhile.
      pause: () => new Promise(() => undefined),
      isClosed: () => false,
    };
    const outcome = awaitEnd(RUN, sources);
    await until(() => events.length === 1);
    await jest.runOnlyPendingTimersAsync();
    await until(() => events.length === 2);
    events[1]!.next({ id: '2-0', channel: 'a', type: 'end', data: { run: RUN, outcome: 'done' } });
    expect(await outcome).toEqual({ state: 'done' });
  });
});
