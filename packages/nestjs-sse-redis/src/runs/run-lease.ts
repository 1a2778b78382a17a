import { backOff } from '../util/back-off.js';

/** Whether this process is sure to own its runs: its lease has not run out, or what others did meanwhile is known. */
export class RunLease {
  private confirming: Promise<void> | undefined;

  /** @param leaseUntil when the lease runs out, ms since the epoch */
  constructor(private readonly leaseUntil: () => number) {}

  /** Resolves when it is sure, or the signal is aborted. */
  async owns(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.confirming) await this.confirming;
      else if (Date.now() <= this.leaseUntil()) return;
      else await backOff(0, signal);
    }
  }

  /** @param confirmation resolves when it is known which runs are over */
  renew(confirmation: Promise<void>): void {
    const confirming = confirmation.finally(() => {
      if (this.confirming === confirming) this.confirming = undefined;
    });
    this.confirming = confirming;
  }
}
