import type { DataLine, Fork } from '../broker/broker.interface.js';
import { isOfUnknownLine, isReplaced, leftAt, lineAt } from '../broker/forks.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { formatEventId, type LinePosition, type Position } from '../event/position.js';

/** The lines of the data set that the link leads to, and the ids of positions on them. */
export class Lines {
  private line: DataLine = { forks: [], line: 0, serverStart: '', since: 0 };
  /** A link has led somewhere before. */
  private isTaken = false;
  private changes = 0;
  /** Connections stand at the same position when they are live: one id for all of them. */
  private last = { position: -1, id: '' };

  /** @param commands what is known of the connection for commands, which may lead to another server before the link does */
  constructor(private readonly commands: () => DataLine) {}

  /**
   * Takes the forks that are known at a new link.
   *
   * A server that was made a replica of nobody and a master again begins a line with all its data. Whoever was connected to it
   * has heard what it announced before and after, and need not go back.
   *
   * @param line of the server that the link leads to
   * @returns where the data forked behind which whoever was connected has heard another line; undefined where nowhere
   */
  restored(line: DataLine): Position | undefined {
    const { isTaken } = this;
    const { serverStart: heard, forks: known } = this.line;
    this.take(line);
    if (!isTaken) return undefined;
    // Two servers that were promoted at once have forks of their own, and the one that is heard now may be the older.
    const passed = line.forks.filter(
      (fork) =>
        !known.some((one) => isSame(one, fork)) && (fork.serverStart === '' || fork.serverStart !== heard),
    );
    if (passed.length === 0) return undefined;
    return Math.min(...passed.map(({ from }) => from));
  }

  /** Where the line of a position was left, if the position was given out on a line that is gone. */
  leftAt(position: LinePosition): Position | undefined {
    return leftAt(this.current.forks, position);
  }

  /** Whether a position was given out on a line that the server of the link has not heard of. */
  isUnknown(position: LinePosition): boolean {
    return isOfUnknownLine(this.current, position);
  }

  /**
   * A client that has been on a newer line waits until the link leads there: events of this one would be lost to it untold.
   *
   * @param head the last position given out
   * @throws RedisUnavailableError
   */
  checkReplaced(position: LinePosition, head: Position): void {
    if (isReplaced(this.current, position, head)) throw replacedServer();
  }

  /**
   * The id of a position at which a client stands. It names the present line also where the position is from before that:
   * a client that went back to a fork is not to come to a process that is still behind it.
   */
  readonly toId = (position: Position): string => {
    const { line } = this.current;
    if (position !== this.last.position)
      this.last = { position, id: formatEventId(position, line, this.commands().shard) };
    return this.last.id;
  };

  /** The number of the line on which a position was given out. */
  lineOf(position: Position): number {
    return lineAt(this.current, position);
  }

  /** The server of the link may begin a line while the link lasts: then commands are told first. */
  private get current(): DataLine {
    const commands = this.commands();
    const { forks, serverStart } = commands;
    if (forks !== this.line.forks && serverStart !== '' && serverStart === this.line.serverStart)
      this.take(commands);
    return this.line;
  }

  /**
   * Whether commands lead to another line than the link. Of a newer one, clients that were sent what its logs have would be sent it again,
   * when the link is there and they go back to the fork. In the logs of an older one there is nothing of what the link's has.
   */
  get isLinkElsewhere(): boolean {
    const ofLink = this.current.forks.at(-1);
    const ofCommands = this.commands().forks.at(-1);
    return ofLink !== ofCommands && !(ofLink && ofCommands && isSame(ofLink, ofCommands));
  }

  /** Grows with each link, and with each line that begins on it: what was found out about a position before may be wrong. */
  get revision(): number {
    void this.current;
    return this.changes;
  }

  private take({ forks, line, serverStart, since }: DataLine): void {
    this.line = { forks, line, serverStart, since };
    this.last = { position: -1, id: '' };
    this.isTaken = true;
    this.changes++;
  }
}

function isSame(one: Fork, other: Fork): boolean {
  return one.from === other.from && one.began === other.began;
}

/** Another process is connected to its successor already. */
export function replacedServer(): RedisUnavailableError {
  return new RedisUnavailableError(
    'The id is of a newer line: the Redis of this process was replaced in a failover, and this process has yet to hear of it. Ask again in a moment.',
  );
}
