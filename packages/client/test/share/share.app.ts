import { Controller, Get, Header, Injectable, Param, Query, Res, Sse } from '@nestjs/common';
import { startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import { build } from 'esbuild';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { workerScriptPlugin } from '../../worker-script.mjs';
import {
  defineChannel,
  SseClient,
  SseConnectionsController,
  SseHub,
  SseRedisModule,
  SseRegistry,
  type SseRedisOptions,
} from 'nestjs-sse-redis';

/** Channels with a map. */
export const boards = defineChannel('board:{id}', { state: true });

const ROOT = join(import.meta.dirname, '../../../..');

/** What browsers load, by its path: bundled as a bundler would, with the worker's script where its URL is looked for. */
@Injectable()
export class Scripts {
  private readonly made = new Map<string, Promise<string>>();
  /** Users in whose tab a script has got stuck. */
  readonly stuck = new Set<string>();
  /** Those of scripts that do not come. Browsers wait for them also without a tab. */
  readonly hanging: ServerResponse[] = [];
  /** Paths that are answered with 404. */
  readonly missing = new Set<string>();

  get(name: string): Promise<string> | undefined {
    const entry = ENTRIES[name];
    if (!entry || this.missing.has(name)) return undefined;
    let text = this.made.get(entry);
    if (!text) this.made.set(entry, (text = bundle(entry)));
    return text;
  }
}

const ENTRIES: Record<string, string> = {
  'page.js': 'packages/client/test/share/page.ts',
  'shared-worker.js': 'packages/client/src/share/shared-worker.ts',
  'stallable-worker.js': 'packages/client/test/share/stallable-worker.ts',
  'unasked-worker.js': 'packages/client/test/share/unasked-worker.ts',
};

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    ...{ absWorkingDir: ROOT, entryPoints: [entry], bundle: true, write: false },
    ...{ format: 'esm', target: 'es2022', logLevel: 'silent', plugins: [workerScriptPlugin] },
  });
  return outputFiles[0]!.text;
}

@Controller()
class ShareController {
  constructor(
    private readonly hub: SseHub,
    private readonly scripts: Scripts,
  ) {}

  @Sse('events/:user')
  events(@SseClient() client: SseClient, @Param('user') user: string) {
    return this.hub.connect(client, [`user:${user}`], { control: true });
  }

  /** @param csp a Content-Security-Policy for the page */
  @Get('page')
  page(@Query('csp') csp: string | undefined, @Res({ passthrough: true }) response: ServerResponse): string {
    if (csp) response.setHeader('content-security-policy', csp);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return '<!doctype html><title>share</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
  }

  @Get('stuck/:user')
  stuck(@Param('user') user: string): void {
    this.scripts.stuck.add(user);
  }

  @Get('ordinary')
  ordinary(): string {
    return 'answered';
  }

  /** Is answered when the test says so. */
  @Get('hanging.js')
  hanging(@Res() response: ServerResponse): void {
    this.scripts.hanging.push(response);
  }

  @Get(':script')
  @Header('content-type', 'text/javascript; charset=utf-8')
  async script(
    @Param('script') name: string,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<string> {
    const text = await this.scripts.get(name);
    if (text === undefined) response.statusCode = 404;
    return text ?? '';
  }
}

/** The application for tests of the shared stream, in this process. */
export class ShareApp {
  private constructor(
    private readonly running: RunningApp,
    /** The `Authorization` headers of streams, oldest first. */
    readonly tokens: readonly string[],
  ) {}

  static async start(options: SseRedisOptions = {}): Promise<ShareApp> {
    const tokens: string[] = [];
    const module = {
      imports: [
        SseRedisModule.forRoot({
          authorize: () => true,
          identify: ({ url = '', headers: { authorization } }: IncomingMessage) => {
            if (authorization !== undefined) tokens.push(authorization);
            return /\/events\/(\w+)/.exec(url)?.[1];
          },
          channels: [boards],
          ...options,
        }),
      ],
      controllers: [SseConnectionsController, ShareController],
      providers: [Scripts],
    };
    return new ShareApp(await startApp(module, 'express'), tokens);
  }

  get url(): string {
    return this.running.url;
  }

  get hub(): SseHub {
    return this.running.app.get(SseHub);
  }

  get scripts(): Scripts {
    return this.running.app.get(Scripts);
  }

  /** How many streams a user has at the server. */
  streams(user: string): Promise<number> {
    return this.running.app.get(SseRegistry).count({ user });
  }

  /** How many streams have a channel. */
  listeners(channel: string): Promise<number> {
    return this.running.app.get(SseRegistry).count({ channel });
  }

  stop(): Promise<void> {
    return this.running.close();
  }
}
