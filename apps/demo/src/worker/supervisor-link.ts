import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SseHub, type PublishOptions } from 'nestjs-sse-redis';
import type { ClusterNode, Failover, ProcessRow, ToSupervisor, ToWorker } from '../messages.js';
import { CLUSTER, PROCESSES } from './channels.js';

const REPORT_INTERVAL = 200;

interface Waiting {
  resolve(failover: Failover): void;
  reject(error: Error): void;
}

/** This process's line to its supervisor: reports how many clients it serves, hears how all processes are. */
@Injectable()
export class SupervisorLink implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(SupervisorLink.name);
  private timer: NodeJS.Timeout | undefined;
  private reported = 0;
  /** Each call of `failOver()`, oldest first. The supervisor answers each, in any order: all get the same outcome. */
  private readonly waiting: Waiting[] = [];
  rows: ProcessRow[] = [];
  /** Of the private cluster, if there is one. */
  nodes: ClusterNode[] | undefined;

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

  /** @throws Error with the reason, where the cluster has not done it */
  failOver(): Promise<Failover> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.send({ kind: 'fail-over' });
    });
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
    if (message.kind === 'table') {
      this.rows = message.rows;
      // Ephemeral: what counts is how things are now. A page that missed it asks when it is back.
      if (message.publisher) void this.tellPages(PROCESSES, this.rows, { ephemeral: true });
    } else if (message.kind === 'cluster') {
      this.nodes = message.nodes;
      // Logged: a process that lost its master just now would miss an ephemeral event.
      if (message.publisher) void this.tellPages(CLUSTER, { nodes: this.nodes });
    } else if (message.kind === 'failed-over') {
      this.waiting.shift()?.resolve(message.failover);
    } else if (message.kind === 'not-failed-over') {
      this.waiting.shift()?.reject(new Error(message.reason));
    }
  };

  private async tellPages(channel: string, data: unknown, options?: PublishOptions): Promise<void> {
    try {
      await this.hub.publish(channel, { type: channel, data }, options);
    } catch (error) {
      this.logger.warn(`could not tell the pages about the ${channel}: ${String(error)}`);
    }
  }

  private send(message: ToSupervisor): void {
    // Without a supervisor this process ends anyway (see main.ts).
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  }
}
