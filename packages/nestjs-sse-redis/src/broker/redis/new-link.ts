import { Logger } from '../../util/logger.js';
import type { Position } from '../../event/position.js';
import { awakeFor } from '../../util/awake-for.js';
import { AnnouncedLines } from './cluster/announced-lines.js';
import type { Commands } from './commands.js';

const RETRY_AFTER_MS = 100;
/** How long a new link may be silent before its first probe comes back: behind much else it may take its time. */
const SILENT_MS = 2_000;
/** How often it is waited for, where other announcements come: a busy server that was replaced may have no end of them. */
const MOST_WAITS = 5;

/**
 * A link that is being restored: its subscriptions are acknowledged, and a probe shows that they are of the server that
 * answers commands.
 *
 * A master that hung may wake, take a subscription, and announce what was sent to it before, while its successor answers.
 */
export class NewLink {
  private readonly logger = new Logger('SseRedisBroker');
  private readonly announced: AnnouncedLines | undefined;
  /** The lines of probes that came before the link was up, by position. */
  private readonly probes = new Map<Position, string>();
  /** How many announcements came. */
  private count = 0;
  private expected: { readonly position: Position; readonly settle: (line?: string) => void } | undefined;

  constructor(
    private readonly sendProbe: () => Promise<Position>,
    private readonly commands: Pick<Commands, 'pause'>,
    isSharded: boolean,
  ) {
    if (isSharded) this.announced = new AnnouncedLines();
  }

  /** The record of an announcement; undefined where it is of another line than the link. */
  recordOf(message: Buffer): Buffer | undefined {
    this.count++;
    return this.announced ? this.announced.recordOf(message) : message;
  }

  /** The line of an announcement; empty where announcements have none. */
  lineOf(message: Buffer): string {
    return this.announced?.lineOf(message) ?? '';
  }

  /** The first link has a line with its first probe. Returns whether nothing of another one was heard. */
  begin(line: string): boolean {
    return this.announced?.begin(line) ?? true;
  }

  /** A probe came, before the link was up. */
  heard(position: Position, line: string): void {
    this.probes.set(position, line);
    if (this.expected?.position === position) this.expected.settle(line);
  }

  /** The subscription is gone. */
  lost(): void {
    this.probes.clear();
    this.announced?.lost();
    this.expected?.settle();
  }

  /**
   * Takes a position from which on nothing is missed.
   *
   * @param isCurrent whether this link is still the one
   * @returns undefined if it is not; a text where it leads to another server than commands
   */
  async prove(isCurrent: () => boolean): Promise<Position | string | undefined> {
    while (isCurrent()) {
      try {
        const position = await this.sendProbe();
        if (!isCurrent()) return undefined;
        const line = await this.echo(position, isCurrent);
        if (!isCurrent()) return undefined;
        if (line === undefined) return 'a probe did not come over the new subscription';
        return this.begin(line) ? position : 'the new subscription brought announcements of another line';
      } catch (error) {
        // The connection for commands is not back yet.
        this.logger.debug(`Not yet: ${(error as Error).message}`);
        await this.commands.pause(RETRY_AFTER_MS);
      }
    }
    return undefined;
  }

  /** The line of a probe, when it comes back, or has already; undefined if it does not. */
  private async echo(position: Position, isCurrent: () => boolean): Promise<string | undefined> {
    for (let waits = 0, count = -1; waits < MOST_WAITS && isCurrent() && this.count > count; waits++) {
      const line = this.probes.get(position);
      if (line !== undefined) return line;
      count = this.count;
      const came = new Promise<string | undefined>((settle) => (this.expected = { position, settle }));
      const isOver = () => this.expected === undefined || this.probes.has(position);
      const back = await Promise.race([came, awakeFor(SILENT_MS, isOver).then(() => undefined)]);
      this.expected = undefined;
      if (back !== undefined) return back;
    }
    return undefined;
  }
}
