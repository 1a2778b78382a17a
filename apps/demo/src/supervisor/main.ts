import { ClusterWatch } from './cluster-watch.js';
import { checkFree, freePort } from './port.js';
import { PrivateCluster } from './private-cluster.js';
import { PrivateRedis } from './private-redis.js';
import { readSettings, type Settings } from './settings.js';
import { Workers } from './workers.js';

const log = (line: string) => console.log(`[demo] ${line}`);

/** The supervisor: a Redis if need be, three workers behind one port, and an orderly end. */
export async function main(): Promise<void> {
  try {
    await run();
  } catch (error) {
    console.error(`[demo] ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}

async function run(): Promise<void> {
  const settings = readSettings(process.env);
  const port = await ownPort(settings.host, settings.port);
  const redis = await startRedis(settings);
  const cluster = redis instanceof PrivateCluster ? redis : undefined;
  const url = settings.redisUrl ?? redis?.url;
  const workers = new Workers({
    names: url ? ['w1', 'w2', 'w3'] : ['w1'],
    env: { PORT: String(port), HOST: settings.host, ...(url && { REDIS_URL: url }) },
    log,
    failOver: cluster && (() => cluster.failOver()),
    giveUp: () => {
      console.error('[demo] No process can start, for the reason above. Giving up.');
      void end(1);
    },
  });
  const watch = cluster && new ClusterWatch(cluster, (nodes) => workers.showCluster(nodes));

  let ending = false;
  const end = async (code: number): Promise<void> => {
    // Asked twice: now.
    if (ending) return workers.signal('SIGKILL');
    ending = true;
    watch?.stop();
    await workers.stop();
    await redis?.stop();
    process.exit(code);
  };
  endWithSignals(end);
  redis?.onExit((node) => {
    if (cluster) return log(withoutNode(node));
    console.error('[demo] The private redis-server ended. Without it there is nothing left to show.');
    void end(1);
  });
  log(redis?.description ?? broker(url));
  watch?.start();
  await workers.start();
  if (!ending) greet(port, url !== undefined);
}

/** A Redis of the demo's own, where it is to have one. */
async function startRedis(settings: Settings): Promise<PrivateRedis | PrivateCluster | undefined> {
  const { redisUrl, redisServer } = settings;
  if (redisUrl || !redisServer) return undefined;
  return settings.cluster ? PrivateCluster.start(redisServer) : PrivateRedis.start(redisServer);
}

function endWithSignals(end: (code: number) => Promise<void>): void {
  process.on('SIGINT', () => void end(0));
  process.on('SIGTERM', () => void end(0));
  // Started by a program with a line to us: not without it.
  process.on('disconnect', () => void end(0));
}

async function ownPort(host: string, wanted: number): Promise<number> {
  try {
    return wanted === 0 ? await freePort(host) : await checkFree(host, wanted);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(
      `Port ${wanted} is taken by another program. Choose another one: PORT=${wanted + 1} npm start`,
      { cause: error },
    );
  }
}

/** Says what is missing, where something is. A password in the URL is nobody's business. */
function broker(url: string | undefined): string {
  if (url) return `Redis at ${url.replace(/\/\/[^@/]*@/, '//')}`;
  return (
    'No Redis: one process with the embedded broker. For three processes install redis-server ' +
    '(or valkey-server), or set REDIS_URL, and start again.'
  );
}

function withoutNode(port: number): string {
  return (
    `the redis-server on port ${port} ended, and its shard has one node left. Where the keys of the hub are, ` +
    'that one refuses events, which no replica would have: then start the demo again.'
  );
}

function greet(port: number, several: boolean): void {
  const address = `http://localhost:${port}`;
  console.log(`
  nestjs-sse-redis demo    ${address}
  ${several ? 'three processes' : 'one process'} behind one port; Ctrl-C ends everything

  From a terminal${several ? ' (each stream is held by another process)' : ''}:
    curl -N ${address}/news
    curl -X POST ${address}/news -H 'content-type: application/json' -d '{"headline":"Hello from curl"}'
`);
}
