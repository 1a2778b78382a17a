import { adapters, AppProcess, until } from '@nestjs-sse-redis/testing';
import { fileURLToPath } from 'node:url';

function fixture(name: string): URL {
  return new URL(`./fixtures/${name}.ts`, import.meta.url);
}

describe.each(adapters)('a Nest application on $name in a process of its own', ({ name }) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(fixture('app'), {
      args: [name],
      env: { GREETING: 'good day' },
      execArgv: ['--max-old-space-size=256'],
    });
  });

  afterAll(() => app.kill());

  it('serves, with its dependencies injected', async () => {
    const response = await fetch(`${app.url}/greet/world`);
    expect(await response.json()).toEqual({ text: 'hello world', pid: app.pid });
    expect(app.pid).not.toBe(process.pid);
    expect(app.url).toBe(`http://127.0.0.1:${app.port}`);
    await until(() => app.stdout === `serving on ${name}\n`);
  });

  it('answers requests, each with its own reply', async () => {
    const replies = await Promise.all([1, 2, 3].map((double) => app.request<number>({ double })));
    expect(replies).toEqual([2, 4, 6]);
    expect(await app.request({ env: 'GREETING' })).toBe('good day');
  });

  it('rejects a request with what the handler threw', async () => {
    await expect(app.request({ boom: true })).rejects.toMatchObject({
      name: 'RangeError',
      message: 'boom',
      code: 'E_BOOM',
    });
  });

  it('hears and says other things', async () => {
    app.send('ahoy');
    await until(() => app.messages.length === 1);
    expect(app.messages).toEqual([{ heard: 'ahoy' }]);
  });

  it('can be paused', async () => {
    app.pause();
    let answered = false;
    const request = app.request({ double: 4 }).finally(() => (answered = true));
    await expect(until(() => answered, { timeout: 60 })).rejects.toThrow();
    app.resume();
    expect(await request).toBe(8);
  });

  it('is killed, and says so to those who wait', async () => {
    const waiting = app.request({ never: true });
    const exit = await app.kill();
    expect(exit).toEqual({ code: null, signal: 'SIGKILL' });
    await expect(waiting).rejects.toThrow(/ended with SIGKILL/);
    await expect(app.request({ double: 1 })).rejects.toThrow(/is gone/);
    await expect(fetch(app.url)).rejects.toThrow();
    expect(app.isRunning).toBe(false);
    expect(await app.kill()).toEqual(exit); // once more does no harm
  });
});

describe('a program that', () => {
  it('breaks at its start: its error, with the line of the source', async () => {
    const starting = AppProcess.start(fileURLToPath(fixture('broken')));
    await expect(starting).rejects.toThrow(
      /ended with code 1 before it was ready[^]*cannot start[^]*broken\.ts:7:/,
    );
  });

  it('never announces itself: given up, with what it wrote, and killed', async () => {
    const starting = AppProcess.start(fixture('silent'), { timeout: 4_000 });
    await expect(starting).rejects.toThrow(/was not ready within 4000 ms\n[^]*never announce/);
  });

  it('does not exist: an error that says so', async () => {
    await expect(AppProcess.start(fixture('missing'))).rejects.toThrow(/missing\.ts/);
  });
});
