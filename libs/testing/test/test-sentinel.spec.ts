import { TestSentinel, until } from '../src/index.js';

/** Redis turns a master that lives on into a replica after this time, and Sentinel's pauses are seconds. */
const TIMEOUT = 120_000;

describe('TestSentinel', () => {
  let sentinel: TestSentinel;
  afterEach(() => sentinel?.stop());

  it(
    'names a replica as the master after a planned failover, while the old master lives on',
    async () => {
      sentinel = await TestSentinel.start();
      const old = await sentinel.master();
      expect(old).toBe(sentinel.servers[0]);
      await old.cli('SET', 'key', 'value');
      const next = await sentinel.failover();
      expect(next).toBe(sentinel.servers[1]);
      expect(await next.cli('GET', 'key')).toBe('value');
      expect(((await old.cli('ROLE')) as unknown[])[0]).toBe('master');
    },
    TIMEOUT,
  );

  it(
    'names one of two replicas after the master was killed, and ends all processes at its stop',
    async () => {
      sentinel = await TestSentinel.start({ replicas: 2 });
      const old = await sentinel.master();
      await old.kill();
      const next = await sentinel.switched(old);
      await until(async () => ((await next.cli('ROLE')) as unknown[])[0] === 'master');
      await sentinel.stop();
      expect([...sentinel.servers, ...sentinel.sentinels].some(({ isRunning }) => isRunning)).toBe(false);
    },
    TIMEOUT,
  );
});
