import { jest } from '@jest/globals';
import { SseStream, startApp } from '@nestjs-sse-redis/testing';
import { SseHub } from 'nestjs-sse-redis';
import { roomsModule } from '../http/rooms.module.js';

type FakeTimersConfig = NonNullable<Parameters<typeof jest.useFakeTimers>[0]>;

const HOUR = 3_600_000;
/** As docs/testing.md has it. */
const DATE_ALONE: FakeTimersConfig = {
  doNotFake: [
    ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'] as const),
    ...(['clearImmediate', 'queueMicrotask', 'nextTick', 'performance', 'hrtime'] as const),
  ],
};

afterEach(() => jest.useRealTimers());

async function startWithStream() {
  const { app, url, close } = await startApp(roomsModule({}), 'express', {
    application: { logger: false },
  });
  const stream = SseStream.open(`${url}/rooms?channels=news`);
  await stream.waitForBlock(({ id }) => id !== undefined);
  const send = async (data: string): Promise<void> => {
    await app.get(SseHub).publish('news', { data });
    await stream.waitFor((message) => message.data === data);
  };
  return { send, stream, close };
}

describe('the embedded broker in a test with fake timers', () => {
  it('streams events where the timers advance', async () => {
    jest.useFakeTimers({ advanceTimers: true });
    const { send, stream, close } = await startWithStream();
    await send('hello');
    await close();
    expect(stream.messages.map(({ data }) => data)).toContain('hello');
  });

  it('streams events in their order where the date alone is fake, and is set forth and back', async () => {
    jest.useFakeTimers(DATE_ALONE);
    const { send, stream, close } = await startWithStream();
    await send('now');
    jest.setSystemTime(Date.now() + HOUR);
    await send('later');
    jest.setSystemTime(0);
    await send('earlier');
    await close();
    expect(stream.messages.filter(({ type }) => type === 'message').map(({ data }) => data)).toEqual([
      'now',
      'later',
      'earlier',
    ]);
  });

  it('publishes where no timer ever runs', async () => {
    jest.useFakeTimers({ now: 0 });
    const { app, close } = await startApp(roomsModule({}), 'express', { application: { logger: false } });
    const hub = app.get(SseHub);
    await hub.publish('news', { data: 1 });
    await hub.pipe('news', ['one', 'two']);
    expect((await hub.history('news')).events).toHaveLength(4);
    await close();
  });
});
