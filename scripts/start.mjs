// `npm start`: from a fresh clone to the running demo. `npm start -- --cluster`: on a private Redis Cluster.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './build.mjs';
import { main, root, SetupError } from './run.mjs';
import { ensureClusterRedis, ensureDependencies, ensureRedis } from './setup.mjs';

/** How often npm is looked for. */
const LOOK_EVERY_MS = 500;

/** How the demo gets its Redis: one that is given, else a private one that it starts itself, else none. */
async function redisEnvironment({ cluster }) {
  if (cluster) return { REDIS_SERVER: await clusterServer(), REDIS_CLUSTER: '1' };
  if (process.env.REDIS_URL) return {};
  try {
    return { REDIS_SERVER: await ensureRedis() };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.warn(
      `${error.message}\nOr set REDIS_URL to a running Redis. Until then: embedded broker, one process.`,
    );
    return { REDIS_SERVER: '' };
  }
}

function clusterServer() {
  if (!process.env.REDIS_URL) return ensureClusterRedis();
  throw new SetupError(
    '--cluster starts a Redis Cluster of its own, and REDIS_URL names another Redis: unset one.',
  );
}

function readArguments() {
  try {
    return parseArgs({ options: { cluster: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    throw new SetupError(`${error.message}. npm start takes: --cluster (npm start -- --cluster)`);
  }
}

/** A signal to npm alone ends npm and its shell, and reaches nothing that they have started (npm 10 and 11). */
function onParentGone(act) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, LOOK_EVERY_MS).unref();
}

async function runDemo(env) {
  // A process group of its own: Ctrl-C reaches this process alone (and again through npm), the demo hears of it once.
  const demo = spawn(process.execPath, ['dist/apps/demo/main.js'], {
    cwd: root,
    env: { ...process.env, ...env },
    // The demo ends with the line to this process, which the system closes also after a kill -9.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  let asked = 0;
  const stop = (signal) => {
    const now = performance.now();
    if (!asked) demo.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
    else if (now - asked > 1000 && demo.pid) process.kill(-demo.pid, 'SIGKILL'); // a person who will not wait
    asked ||= now;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  if (process.env.npm_lifecycle_event) onParentGone(() => stop('SIGTERM'));
  process.exitCode = await new Promise((resolve, reject) => {
    demo.once('error', reject);
    demo.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

await main(import.meta, async () => {
  const options = readArguments();
  await ensureDependencies();
  const redis = await redisEnvironment(options);
  await ensureBuilt();
  await runDemo(redis);
});
