// `npm run bench`: measures the library's build beside its peers, from a fresh clone on.
import { spawn } from 'node:child_process';
import { ensureBuilt } from './build.mjs';
import { main, root } from './run.mjs';
import { ensureDependencies, ensureRedis } from './setup.mjs';

await main(import.meta, async () => {
  await ensureDependencies();
  const REDIS_SERVER = await ensureRedis();
  await ensureBuilt();
  const bench = spawn(process.execPath, ['apps/bench/dist/main.js', ...process.argv.slice(2)], {
    cwd: root,
    env: { ...process.env, REDIS_SERVER },
    stdio: 'inherit',
  });
  // Ctrl-C reaches the bench as well, and it ends what it has started.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => bench.kill(signal));
  process.exitCode = await new Promise((resolve) => bench.once('exit', (code) => resolve(code ?? 1)));
});
