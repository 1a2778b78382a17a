import { StormClient } from './storm-client.js';

export interface StormPlan {
  readonly session: string;
  readonly clients: number;
  /** The server that is killed. */
  readonly from: number;
  /** The one to which they come back. */
  readonly to: number;
  /** Whether servers tell ids as a stream begins. */
  readonly tellsIds: boolean;
}

/** Attempts under way at once: what a listening socket's queue holds, so that none waits a second for its turn. */
const AT_ONCE = 400;

/** Clients that are all at one server, and come back to another one when it is killed. */
export class StormRun {
  private readonly clients: StormClient[] = [];
  private readonly returned: Promise<number>;
  private readonly waiting: StormClient[] = [];
  private underWay = 0;
  private back = 0;
  private began = 0;
  private settle!: { resolve: (seconds: number) => void; reject: (error: unknown) => void };

  constructor(private readonly plan: StormPlan) {
    this.returned = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.returned.catch(() => undefined);
  }

  async gather(): Promise<void> {
    const { session, clients, from, tellsIds } = this.plan;
    let next = 0;
    const openOneByOne = async (): Promise<void> => {
      while (next < clients) {
        const client = new StormClient({ session, from: next++, count: 1 });
        this.clients.push(client);
        await client.open(from, tellsIds, () => this.comeBack(client));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, openOneByOne));
  }

  /** Resolves when all are back, with the seconds since the first one had to leave. */
  untilBack(): Promise<number> {
    return this.returned;
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  private comeBack(client: StormClient): void {
    this.began ||= performance.now();
    this.waiting.push(client);
    this.next();
  }

  private next(): void {
    while (this.underWay < AT_ONCE && this.waiting.length > 0) {
      this.underWay++;
      const { to, tellsIds } = this.plan;
      const closedAgain = (): void => this.settle.reject(new Error('a stream was closed again'));
      this.waiting
        .pop()!
        .open(to, tellsIds, closedAgain)
        .then(() => this.arrived(), this.settle.reject);
    }
  }

  private arrived(): void {
    this.underWay--;
    if (++this.back === this.plan.clients) this.settle.resolve((performance.now() - this.began) / 1000);
    else this.next();
  }
}
