import { ReconnectingClient, type SseMessage } from '@nestjs-sse-redis/testing';

/** A run as its readers know it. */
export interface ReadRun {
  readonly id: string;
  readonly channel: string;
  readonly label: string;
  readonly tokens: number;
}

interface EndData {
  readonly run: string;
  readonly outcome: string;
}

/** A reader of a run from its beginning, who reloads and changes processes, and stops at the end. */
export class RunReader {
  readonly client: ReconnectingClient;
  private readonly ended: Promise<SseMessage>;

  /** @param pickUrl a process to connect to */
  constructor(
    readonly run: ReadRun,
    pickUrl: () => string,
    timeout: number,
  ) {
    const path = `/streams?channels=${run.channel}`;
    this.client = ReconnectingClient.start(
      { pickUrl: () => pickUrl() + path },
      { lastEventId: run.id, persist: true },
    );
    this.ended = this.client.waitFor((message) => this.isEnd(message), timeout);
    // A test that fails before it looks has said why.
    this.ended.catch(() => undefined);
  }

  /** How the run ended, as it was told. */
  async outcome(): Promise<string> {
    return (JSON.parse((await this.ended).data) as EndData).outcome;
  }

  get tokens(): string[] {
    return this.client.ledger.flatMap(({ type, data }) => (type === 'message' ? [data] : []));
  }

  /** What is wrong with what it was sent up to the end. */
  findFaults(outcome: string): string[] {
    const { label, tokens } = this.run;
    const faults: string[] = [];
    const ledger = this.client.ledger;
    const end = ledger.findIndex((message) => this.isEnd(message));
    const before = ledger.slice(0, end);
    const got = before.filter(({ type }) => type === 'message').map(({ data }) => data);
    const wrong = got.findIndex((data, i) => data !== `${label}:${i}`);
    if (wrong >= 0) faults.push(`${label}: token ${wrong} is ${got[wrong]}`);
    if (outcome === 'done' && got.length !== tokens)
      faults.push(`${label}: is done with ${got.length} of ${tokens} tokens`);
    const others = before.filter(({ type }) => type !== 'message').map(({ type, data }) => `${type} ${data}`);
    if (others.length > 0) faults.push(`${label}: was sent ${others.join()}`);
    const ends = ledger.filter((message) => this.isEnd(message));
    if (ends.length !== 1) faults.push(`${label}: was told of ${ends.length} ends`);
    return faults;
  }

  stop(): Promise<void> {
    return this.client.stop();
  }

  private isEnd({ type, data }: SseMessage): boolean {
    return type === 'end' && (JSON.parse(data) as EndData).run === this.run.id;
  }
}
