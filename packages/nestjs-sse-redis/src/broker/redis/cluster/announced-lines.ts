const SPACE = 0x20;

/**
 * The line of each announcement of a cluster, held against that of the link.
 *
 * The nodes of a shard take what they announce to each other. So a master that was replaced is heard by the subscribers of its
 * successor, until it knows: its positions would carry cursors past events of the present line.
 */
export class AnnouncedLines {
  /** The line of the link, with the space behind it; undefined where it is not known. */
  private prefix: Buffer | undefined;
  /** Those that were heard before. */
  private readonly early = new Set<string>();

  /** The link is gone. */
  lost(): void {
    this.prefix = undefined;
    this.early.clear();
  }

  /** Takes the line of the link, where it is not known. Returns whether nothing else was heard over it. */
  begin(line: string): boolean {
    if (this.prefix) return true;
    this.prefix = Buffer.from(`${line} `);
    return [...this.early].every((one) => one === line);
  }

  /** Cuts the line off an announcement; undefined where it is of another line than the link. */
  recordOf(message: Buffer): Buffer | undefined {
    const { prefix } = this;
    if (!prefix) this.early.add(this.lineOf(message));
    else if (prefix.compare(message, 0, prefix.length) !== 0) return undefined;
    return message.subarray(message.indexOf(SPACE) + 1);
  }

  lineOf(message: Buffer): string {
    return message.toString('latin1', 0, Math.max(0, message.indexOf(SPACE)));
  }
}
