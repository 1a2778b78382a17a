import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from '@nestjs-sse-redis/testing';
import type { ProcessRow } from '../src/messages.js';

const MAIN = fileURLToPath(new URL('../../../dist/apps/demo/main.js', import.meta.url));

/** The built demo, as `npm start` runs it. It does not outlive the test: it ends with the IPC channel. */
export class DemoProcess {
  output = '';
  readonly exited: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.exited = new Promise((resolve) => child.once('close', resolve));
  }

  /** Only what is given here and the PATH: a Redis that the machine has set up is not the test's. */
  static launch(env: Record<string, string> = {}): DemoProcess {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" before the tests`);
    const child = fork(MAIN, {
      env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    return new DemoProcess(child);
  }

  static async start(env: Record<string, string> = {}): Promise<DemoProcess> {
    const demo = DemoProcess.launch(env);
    try {
      await until(() => demo.output.includes('curl -X POST'), { timeout: 60_000, message: 'the demo is up' });
    } catch (error) {
      await demo.stop();
      throw new Error(`the demo did not start:\n${demo.output}`, { cause: error });
    }
    return demo;
  }

  get url(): string {
    return this.read(/http:\/\/localhost:\d+/);
  }

  /** Of its private Redis. */
  get redisPort(): number {
    return Number(this.read(/redis:\/\/127\.0\.0\.1:(\d+)/));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<number | null> {
    this.kill('SIGTERM');
    return this.exited;
  }

  /** As a worker knows them; it has to be told first. */
  async processes(): Promise<ProcessRow[]> {
    return until(async () => {
      const rows = (await (await fetch(`${this.url}/processes`)).json()) as ProcessRow[];
      return rows.length > 0 && rows;
    });
  }

  /** Of its private cluster: three masters, then their replicas. */
  get clusterPorts(): number[] {
    const line = this.read(/private Redis Cluster .*/);
    return [...line.matchAll(/\b\d{5}\b/g)].map(([port]) => Number(port));
  }

  private read(pattern: RegExp): string {
    const found = pattern.exec(this.output);
    if (!found) throw new Error(`no ${String(pattern)} in:\n${this.output}`);
    return found[1] ?? found[0];
  }
}
