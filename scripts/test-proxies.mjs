// `npm run test:proxies`: real clients through the configurations of `deploy/`, while processes die. Outside of `npm test` and CI.
import { bin, main, run } from './run.mjs';
import { ensureDependencies, ensureProxies, ensureRedis } from './setup.mjs';

await main(import.meta, async () => {
  await ensureDependencies();
  const REDIS_SERVER = await ensureRedis();
  const proxies = await ensureProxies();
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules`.trim();
  const args = ['packages/nestjs-sse-redis/test/proxies', '--testPathIgnorePatterns', '/node_modules/'];
  const { code } = await run(bin('jest'), [...args, ...process.argv.slice(2)], {
    env: { ...proxies, REDIS_SERVER, NODE_OPTIONS },
  });
  process.exitCode = code;
});
