import type { Asked, FromWorker, ToWorker } from './worker-protocol.js';

/** ms within which a tab answers. One that is frozen does not, and the next is asked. */
const PATIENCE = 2_000;

/** Asks the tabs of a worker for what only a page knows: its token, its headers, its URL. */
export class TabAnswers {
  /** The tab that answered last is first. */
  private ports: MessagePort[] = [];
  private readonly pending = new Map<number, (answer: Extract<ToWorker, { kind: 'answer' }>) => void>();
  private count = 0;

  join(port: MessagePort): void {
    this.ports.unshift(port);
  }

  leave(port: MessagePort): void {
    this.ports = this.ports.filter((other) => other !== port);
  }

  take(answer: Extract<ToWorker, { kind: 'answer' }>): void {
    this.pending.get(answer.id)?.(answer);
  }

  tell(message: FromWorker): void {
    for (const port of this.ports) port.postMessage(message);
  }

  /** @throws Error where the tab that answered could not tell, or no tab answered */
  async ask(option: Asked, refresh = false): Promise<unknown> {
    for (const port of [...this.ports]) {
      const answer = await this.askPort(port, option, refresh);
      if (answer?.error !== undefined) throw new Error(answer.error);
      if (answer) return answer.value;
      // Closed without a word, or frozen: the others are asked first from now on.
      this.leave(port);
      this.ports.push(port);
    }
    throw new Error(`No tab has answered with its ${option}.`);
  }

  private askPort(port: MessagePort, option: Asked, refresh: boolean) {
    const id = this.count++;
    return new Promise<Extract<ToWorker, { kind: 'answer' }> | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), PATIENCE);
      this.pending.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      port.postMessage({ kind: 'ask', id, option, refresh } satisfies FromWorker);
    }).finally(() => this.pending.delete(id));
  }
}
