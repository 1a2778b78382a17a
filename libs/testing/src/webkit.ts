import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.js';
import { guardOrphan } from './orphan-guard.js';
import { until } from './until.js';
import { WebKitPage } from './webkit-page.js';

/** ms. All cases of the conformance suite are one script. */
const SCRIPT_TIMEOUT = 300_000;

interface Program {
  readonly child: ChildProcess;
  readonly guard: ReturnType<typeof guardOrphan> | undefined;
}

/** The paths of the programs that it takes. */
export interface WebKitPrograms {
  readonly driver: string;
  /** WebKitGTK has no mode without a window: it gets a screen that nobody sees. */
  readonly screen: string;
}

/**
 * The engine of Safari, as WebKitGTK has it. It speaks WebDriver alone (https://www.w3.org/TR/webdriver2/), which puppeteer does
 * not. selenium-webdriver does, but not on Node 20, and tests need six requests.
 */
export class WebKit {
  /** Requests come one after the other: one chooses the window, the next is for it. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly session: string,
    /** The first window, which stays: a new one can be asked for only in one that is open. */
    private readonly home: string,
    private readonly processes: readonly Program[],
  ) {}

  static async start({ driver, screen }: WebKitPrograms): Promise<WebKit> {
    const processes: Program[] = [];
    try {
      const display = await startScreen(screen, processes);
      const port = await freePort();
      // As a browser of tests in a container: its sandbox takes rights that one has not.
      const env = { ...process.env, DISPLAY: display, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' };
      start(driver, [`--port=${port}`], processes, { env, stdio: 'ignore' });
      const address = `http://127.0.0.1:${port}`;
      await until(() => ask('GET', `${address}/status`));
      const { sessionId } = await ask<{ sessionId: string }>('POST', `${address}/session`, {
        capabilities: {},
      });
      const session = `${address}/session/${sessionId}`;
      await ask('POST', `${session}/timeouts`, { script: SCRIPT_TIMEOUT });
      return new WebKit(session, await ask<string>('GET', `${session}/window`), processes);
    } catch (error) {
      await end(processes);
      throw error;
    }
  }

  /** A page in a window of its own: one in a tab behind another would be hidden. */
  async newPage(): Promise<WebKitPage> {
    const { handle } = await this.inWindow(this.home, () =>
      ask<{ handle: string }>('POST', `${this.session}/window/new`, { type: 'window' }),
    );
    return new WebKitPage((method, path, body) =>
      this.inWindow(handle, () => ask(method, `${this.session}${path}`, body)),
    );
  }

  /** Closes the browser with all of its pages. */
  async close(): Promise<void> {
    await this.turn;
    await ask('DELETE', this.session).catch(() => undefined);
    await end(this.processes);
  }

  /** The process of the driver, whose child the browser is. */
  process(): ChildProcess {
    return this.processes.at(-1)!.child;
  }

  private inWindow<T>(handle: string, request: () => Promise<T>): Promise<T> {
    const result = this.turn.then(async () => {
      await ask('POST', `${this.session}/window`, { handle });
      return request();
    });
    this.turn = result.catch(() => undefined);
    return result;
  }
}

/** Its number is the first that is free, and it says so when it can be used. */
async function startScreen(program: string, processes: Program[]): Promise<string> {
  const args = ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'];
  const screen = start(program, args, processes, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const lines = createInterface(screen.stdio[3] as NodeJS.ReadableStream);
  const [number] = (await once(lines, 'line', { signal: AbortSignal.timeout(30_000) })) as [string];
  return `:${number}`;
}

function start(
  program: string,
  args: readonly string[],
  processes: Program[],
  options: Parameters<typeof spawn>[2],
): ChildProcess {
  const child = spawn(program, args, options);
  processes.push({ child, guard: child.pid === undefined ? undefined : guardOrphan(child.pid) });
  return child;
}

/** The screen last: a browser without one crashes. */
async function end(processes: readonly Program[]): Promise<void> {
  for (const { child, guard } of processes.toReversed()) {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    }
    guard?.release();
  }
}

/** One request of WebDriver. */
async function ask<T>(method: string, url: string, body: object = {}): Promise<T> {
  const response = await fetch(url, { method, ...(method === 'POST' && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
  if (!response.ok) throw new Error(`WebKit: ${value.error} (${value.message})`);
  return value;
}
