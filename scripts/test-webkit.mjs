// `npm run test:webkit`: what `npm test` runs in Chromium and Firefox, in WebKit, the engine of Safari. Outside of `npm test` and CI.
import { bin, main, run } from './run.mjs';
import { ensureDependencies, ensureRedis, ensureWebKit } from './setup.mjs';

/** The specs that run in each of `browserNames`. */
const SPECS = [
  'clients/clients',
  'connection/(pages|fixtures)',
  'conformance/conformance',
  'share/(shared-stream|share-failures|random-leaders)',
];

await main(import.meta, async () => {
  await ensureDependencies();
  const REDIS_SERVER = await ensureRedis();
  const webkit = await ensureWebKit();
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules`.trim();
  const patterns = SPECS.map((name) => `${name}\\.spec\\.ts$`);
  const { code } = await run(bin('jest'), [...patterns, ...process.argv.slice(2)], {
    env: { ...webkit, REDIS_SERVER, TEST_BROWSERS: 'webkit', NODE_OPTIONS },
  });
  process.exitCode = code;
});
