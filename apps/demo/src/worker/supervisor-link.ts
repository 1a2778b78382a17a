import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SseHub } from 'nestjs-sse-redis';
import type { ProcessRow, ToSupervisor, ToWorker } from '../messages.js';
import { PROCESSES } from './channels.js';

const REPORT_INTERVAL = 200;

/** This process's line to its supervisor: reports how many clients it serves, hears how all processes are. */
@Injectable()
export class SupervisorLink implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(SupervisorLink.name);
  private timer: NodeJS.Timeout | undefined;
  private reported = 0;
  rows: ProcessRow[] = [];

  constructor(private readonly hub: SseHub) {}

  onApplicationBootstrap(): void {
    process.on('message', this.hear);
    this.timer = setInterval(() => this.report(), REPORT_INTERVAL).unref();
  }

  onModuleDestroy(): void {
    process.off('message', this.hear);
    clearInterval(this.timer);
  }

  knows(pid: number): boolean {
    return this.rows.some((row) => row.pid === pid && row.state !== 'down');
  }

  kill(pid: number): void {
    this.send({ kind: 'kill', pid });
  }

  drain(pid: number): void {
    this.send({ kind: 'drain', pid });
  }

  /** From now on this process takes connections. */
  ready(): void {
    this.send({ kind: 'ready' });
  }

  private report(): void {
    const { connections } = this.hub.stats();
    if (connections === this.reported) return;
    this.reported = connections;
    this.send({ kind: 'connections', connections });
  }

  private readonly hear = (message: ToWorker): void => {
    if (message.kind !== 'table') return;
    this.rows = message.rows;
    if (message.publisher) void this.tellPages();
  };

  /** Ephemeral: what counts is how things are now. A page that missed it asks when it is back. */
  private async tellPages(): Promise<void> {
    try {
      await this.hub.publish(PROCESSES, { type: PROCESSES, data: this.rows }, { ephemeral: true });
    } catch (error) {
      this.logger.warn(`could not tell the pages about the processes: ${String(error)}`);
    }
  }

  private send(message: ToSupervisor): void {
    // Without a supervisor this process ends anyway (see main.ts).
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  }
}
