import { shardSuffix, type Position } from '../../event/position.js';
import type { DataLine, Fork } from '../broker.interface.js';

/** In the place of a replication id: this server does not tell it. */
const HIDDEN = '-';

/** What a run of a script was sent with. */
export type KnownLine = Pick<Line, 'connection' | 'line'>;

/**
 * The line of the data set that the command connection stands on (docs/decisions/021). Scripts compare what is known here
 * with the clock, and answer only where the two differ.
 */
export class Line implements DataLine {
  /** The replication id with what ids end in behind it, as scripts are told it; on a new connection that end alone. */
  replid = '';
  /** Where new lines began, the oldest first. */
  forks: readonly Fork[] = [];
  serverStart = '';
  since: Position = 0;
  line = 0;
  /** How many connections there were: what one of them answered says nothing about the next. */
  connection = 0;

  /** @param shard that ids name; undefined where the hub has but one */
  constructor(readonly shard?: number) {
    this.replid = shardSuffix(shard);
  }

  /** The connection is gone, and the next may lead to another server. */
  lost(): void {
    this.connection++;
    this.replid = this.suffix;
  }

  /**
   * Takes what a script says of the line out of its reply.
   *
   * @param sent what was known when it was sent
   * @returns the number of the line on which the script ran, also where its connection is gone since
   */
  learn(reply: unknown, sent: KnownLine): number {
    if (!Array.isArray(reply)) return sent.line;
    const last: unknown = reply.at(-1);
    if (!Array.isArray(last) || !Buffer.isBuffer(last[0])) return sent.line;
    reply.pop();
    const replid = last[0].toString();
    const line = Number(/\.(\d+)/.exec(replid)?.[1] ?? 0);
    if (sent.connection !== this.connection) return line;
    this.line = line;
    const forks = parseForks(String(last[1]), this.line);
    // With a list that a hand in Redis spoilt the hub goes on as where nothing is told.
    this.replid = forks ? replid : HIDDEN + this.suffix;
    this.forks = forks ?? [];
    this.serverStart = String(last[2] ?? '');
    // Where INFO is hidden nobody will hear of another line.
    this.since = Number(last[3] ?? Infinity);
    return line;
  }

  /** What ids end in. */
  private get suffix(): string {
    return (this.line > 0 ? `.${this.line}` : '') + shardSuffix(this.shard);
  }
}

/**
 * Parses the field `forks` of the clock.
 *
 * @param newest the number of the line that the newest fork began
 * @returns undefined where it is no list of forks
 */
export function parseForks(text: string, newest: number): Fork[] | undefined {
  if (text === '') return [];
  const forks = text.split(',').map((fork, i, { length }) => {
    const [from, began, serverStart] = fork.split(':');
    const line = Math.max(0, newest - (length - 1 - i));
    return { from: Number(from), began: Number(began), line, serverStart: serverStart ?? '' };
  });
  const isFork = ({ from, began }: Fork) => Number.isSafeInteger(from) && Number.isSafeInteger(began);
  return forks.every(isFork) ? forks : undefined;
}
