import { until } from '@nestjs-sse-redis/testing';

describe('until', () => {
  it('resolves with the first truthy value', async () => {
    let looks = 0;
    await expect(until(() => ++looks === 3 && `after ${looks}`)).resolves.toBe('after 3');
  });

  it('takes a promise, and a throw for "not yet"', async () => {
    let looks = 0;
    const value = await until(async () => {
      if (++looks < 3) throw new Error('too early');
      return looks;
    });
    expect(value).toBe(3);
  });

  it('rejects with the description and the last value', async () => {
    const waiting = until(() => 0, { timeout: 20, message: 'three clients are online' });
    await expect(waiting).rejects.toThrow(/waited 20 ms until: three clients are online\nlast: 0/);
  });

  it('describes itself by its condition, and tells what was thrown last', async () => {
    const waiting = until(
      () => {
        throw new TypeError('no such thing');
      },
      { timeout: 20 },
    );
    await expect(waiting).rejects.toThrow(/no such thing[\s\S]*last: threw TypeError: no such thing/);
    await expect(waiting).rejects.toHaveProperty('cause', expect.any(TypeError));
  });

  it('rejects also when the condition hangs', async () => {
    await expect(until(() => new Promise(() => {}), { timeout: 20 })).rejects.toThrow(/never returned/);
  });

  it('does not look again after it has given up', async () => {
    let looks = 0;
    await expect(until(() => ++looks && false, { timeout: 30, interval: 1 })).rejects.toThrow();
    const after = looks;
    await expect(until(() => false, { timeout: 30 })).rejects.toThrow();
    expect(looks).toBe(after);
  });
});
