// `npm run test:proxies`: real clients through the configurations of `deploy/`, while processes die. Outside of `npm test` and CI.
import { bin, main, run } from './run.mjs';
import { ensureChromium, ensureDependencies, ensureFirefox, ensureProxies, ensureRedis } from './setup.mjs';

await main(import.meta, async () => {
  await ensureDependencies();
  const REDIS_SERVER = await ensureRedis();
  const CHROMIUM = await ensureChromium();
  const FIREFOX = await ensureFirefox();
  const proxies = await ensureProxies();
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules`.trim();
  const args = ['/test/proxies/', '--testPathIgnorePatterns', '/node_modules/'];
  const { code } = await run(bin('jest'), [...args, ...process.argv.slice(2)], {
    env: { ...proxies, REDIS_SERVER, CHROMIUM, FIREFOX, NODE_OPTIONS },
  });
  process.exitCode = code;
});
