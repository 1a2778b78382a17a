const SPACE = 0x20;

/**
 * The line of each announcement of a cluster, held against that of the link.
 *
 * The nodes of a shard take what they announce to each other. So a master that was replaced is heard by the subscribers of its
 * successor, until it knows: its positions would carry cursors past events of the present line.
 */
export class AnnouncedLines {
  private ofLink: string | undefined;
  /** Those that were heard before the line of the link was known. */
  private readonly early = new Set<string>();

  /** The link is gone. */
  lost(): void {
    this.ofLink = undefined;
    this.early.clear();
  }

  /** Takes the line of the link, where it is not known. Returns whether nothing else was heard over it. */
  begin(line: string): boolean {
    this.ofLink ??= line;
    return [...this.early].every((one) => one === this.ofLink);
  }

  /** Splits an announcement into its line and its record; undefined where it is of another line than the link. */
  split(message: Buffer): { readonly line: string; readonly record: Buffer } | undefined {
    const end = message.indexOf(SPACE);
    const line = message.toString('latin1', 0, Math.max(0, end));
    if (this.ofLink === undefined) this.early.add(line);
    else if (this.ofLink !== line) return undefined;
    return { line, record: message.subarray(end + 1) };
  }
}
