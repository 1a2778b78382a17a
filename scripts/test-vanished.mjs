// `npm run test:vanished`: clients that are gone without a word. Needs Linux, root and `ip` (iproute2): the tests run in one
// network namespace, their clients in another one, and the link between the two is taken down.
import { spawnSync } from 'node:child_process';
import { findOnPath, main, root, SetupError } from './run.mjs';
import { ensureDependencies, ensureRedis } from './setup.mjs';

const ID = process.pid.toString(36);
const [server, client] = [`sse-s-${ID}`, `sse-c-${ID}`];
const [near, far] = [`s${ID}`, `c${ID}`];

function ip(...args) {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (error || status !== 0) throw new SetupError(`ip ${args.join(' ')}: ${error?.message ?? stderr}`);
}

await main(import.meta, async () => {
  await ensureDependencies();
  const REDIS_SERVER = await ensureRedis();
  if (process.getuid?.() !== 0)
    throw new SetupError('Network namespaces take root: run npm run test:vanished as root.');
  if (!findOnPath('ip', '/usr/sbin/ip'))
    throw new SetupError('ip is missing: install iproute2 (Linux only).');
  let status = 1;
  try {
    ip('netns', 'add', server);
    ip('netns', 'add', client);
    ip('link', 'add', near, 'netns', server, 'type', 'veth', 'peer', 'name', far, 'netns', client);
    ip('-n', server, 'addr', 'add', '10.99.0.1/24', 'dev', near);
    ip('-n', client, 'addr', 'add', '10.99.0.2/24', 'dev', far);
    for (const [space, device] of [
      [server, near],
      [server, 'lo'],
      [client, far],
    ]) {
      ip('-n', space, 'link', 'set', device, 'up');
    }
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--maxWorkers=1'];
    const options = ['--testMatch', '**/test/vanished/*.vanished.ts', ...process.argv.slice(2)];
    const env = { ...process.env, REDIS_SERVER, VANISHED_NAMESPACE: client, VANISHED_DEVICE: far };
    const args = ['netns', 'exec', server, process.execPath, ...jest, ...options];
    ({ status } = spawnSync('ip', args, { cwd: root, stdio: 'inherit', env }));
  } finally {
    // The devices go with their namespaces.
    for (const space of [server, client]) spawnSync('ip', ['netns', 'del', space]);
  }
  process.exitCode = status ?? 1;
});
