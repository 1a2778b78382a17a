import { AppProcess, until, type AdapterName, type ProcessExit } from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import type { NodeReply, NodeRequest } from './node-request.js';

/** One node of the application. Its process may be replaced by another. */
export class AppNode {
  private process: AppProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();
  /** How many processes it has had. */
  starts = 0;

  /** @param execArgv arguments of Node itself, as `--import` of a module that takes a protection away */
  constructor(
    readonly name: string,
    private readonly adapter: AdapterName,
    private readonly options: SseRedisOptions,
    private readonly execArgv?: string[],
  ) {}

  get isUp(): boolean {
    return this.process?.isRunning === true;
  }

  /** Resolves when the process that was killed last has ended. */
  get ending(): Promise<unknown> {
    return this.ended;
  }

  get url(): string {
    return this.process!.url;
  }

  get log(): string {
    return this.process?.stdout ?? '';
  }

  /** A new process, if none runs. Redis may be away at the moment: then it is tried again. */
  async restart(): Promise<void> {
    await this.ended;
    if (this.isUp) return;
    this.starts++;
    await AppProcess.prepare();
    this.process = await until(
      () =>
        AppProcess.start(new URL('./node.process.ts', import.meta.url), {
          args: [this.adapter, JSON.stringify(this.options)],
          execArgv: this.execArgv,
        }),
      { timeout: 40_000, message: `${this.name} starts` },
    );
  }

  async kill(signal: NodeJS.Signals): Promise<ProcessExit | undefined> {
    const { process } = this;
    // From now on it is not taken for a living one, however long it takes to end.
    this.process = undefined;
    const exit = process?.kill(signal);
    this.ended = exit ?? Promise.resolve();
    return exit;
  }

  request(request: NodeRequest): Promise<NodeReply> {
    if (!this.process) return Promise.reject(new Error(`${this.name} is not running`));
    return this.process.request(request);
  }
}
