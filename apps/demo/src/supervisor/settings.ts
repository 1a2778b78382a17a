/** What the demo takes from its environment. */
export interface Settings {
  /** 0 takes any free port. */
  port: number;
  /** Loopback unless told otherwise: the page has buttons that kill processes. */
  host: string;
  /** A Redis that is there already. */
  redisUrl: string | undefined;
  /** The binary for a private one. */
  redisServer: string | undefined;
  /** Whether the private Redis is a cluster. */
  cluster: boolean;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const port = Number(env['PORT'] || 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT is "${env['PORT']}"; it takes a number from 0 (any free port) to 65535.`);
  }
  const settings = {
    port,
    host: env['HOST'] || '127.0.0.1',
    redisUrl: env['REDIS_URL'] || undefined,
    redisServer: env['REDIS_SERVER'] || undefined,
    cluster: Boolean(env['REDIS_CLUSTER']),
  };
  if (settings.cluster && (settings.redisUrl || !settings.redisServer)) {
    throw new Error('REDIS_CLUSTER starts a private cluster: it takes a REDIS_SERVER, and no REDIS_URL.');
  }
  return settings;
}
