import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SseHub } from 'nestjs-sse-redis';
import cluster from 'node:cluster';
import type { ServerResponse } from 'node:http';
import { AppModule } from './app.module.js';
import { NEWS } from './channels.js';
import { me } from './identity.js';
import { clientDirectories } from './client-directories.js';
import { publicDirectory } from './public-directory.js';
import { SupervisorLink } from './supervisor-link.js';

const STOP_TIMEOUT = 4_000;

/** One of the processes: an ordinary Nest application. */
export async function main(): Promise<void> {
  try {
    await run();
  } catch (error) {
    console.error(`[${me.name}] ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}

async function run(): Promise<void> {
  // The supervisor was killed and could clean nothing up.
  cluster.worker?.once('disconnect', () => process.exit(1));
  // Ctrl-C reaches the whole process group; the supervisor hears it too, and ends us in its order.
  process.on('SIGINT', () => undefined);

  const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: ['error', 'warn'] });
  process.on('SIGTERM', () => void end(app));
  app.use((_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('X-Served-By', `${me.name} pid=${me.pid} generation=${me.generation}`);
    next();
  });
  app.useStaticAssets(publicDirectory());
  for (const [prefix, directory] of clientDirectories()) app.useStaticAssets(directory, { prefix });
  await app.listen(Number(process.env['PORT']), process.env['HOST'] ?? '127.0.0.1');
  app.get(SupervisorLink).ready();
  await announce(app.get(SseHub));
}

/** The first news of this process is itself. */
async function announce(hub: SseHub): Promise<void> {
  const headline =
    me.generation === 1
      ? `${me.name} is up, pid ${me.pid}`
      : `${me.name} is back as a new process, pid ${me.pid}`;
  try {
    await hub.publish(NEWS, { type: NEWS, data: { headline, by: me.name } });
  } catch (error) {
    new Logger('Demo').warn(`could not announce this process: ${String(error)}`);
  }
}

/** As in a deploy: clients are handed over, then the process ends; not for ever, whatever hangs. */
async function end(app: NestExpressApplication): Promise<void> {
  setTimeout(() => process.exit(1), STOP_TIMEOUT).unref();
  await app.close();
  process.exit(0);
}
