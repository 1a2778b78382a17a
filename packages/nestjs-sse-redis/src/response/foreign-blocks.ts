import { Logger } from '@nestjs/common';

const logger = new Logger('SseHub');

/** Characters of an incomplete block that may wait for their blank line. A block that is written whole may be longer. */
export const LONGEST_HELD_BLOCK = 1_048_576;

/** The ends of lines (WHATWG HTML 9.2.5). */
const LINE_END = /\r\n|\r|\n/g;
/** The standard takes only `id` as it stands; some clients trim names of fields, or ignore their case. */
const ID_FIELD = /^\s*id\s*(:|$)/i;
/** A client ignores it at the start of a stream, and would see a field behind it. As bytes, one a character. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/**
 * Rewrites what others write into an event stream, so that it cannot move the client's position.
 *
 * The rewriter drops `id` fields, and begins each block with the id that the client has already. By the standard a client
 * starts each stream without an id. A block without one then makes it forget its own (WHATWG HTML 9.2.6, "dispatch the
 * event"). Blocks leave only whole: a frame of the hub may follow at any time.
 *
 * Text is given and returned with one byte a character ("latin1"), so that a piece may end within a character.
 */
export class ForeignBlocks {
  /** The start of a line whose end has not come. */
  private rest = '';
  /** The lines of a block whose blank line has not come, without ids. */
  private lines: string[] = [];
  /** Of this block, in characters. */
  private length = 0;
  private isAfterCarriageReturn = false;
  private isTooLong = false;
  private hasWarned = false;

  /**
   * Takes a piece of text, of any length.
   *
   * @param id the id that the client has; undefined if it has none
   * @returns the blocks that the piece completes
   */
  push(text: string, id: string | undefined): string {
    if (text === '') return '';
    let blocks = '';
    // A CR ends a line at once. An LF that comes with the next piece belongs to it.
    let start = this.isAfterCarriageReturn && text.startsWith('\n') ? 1 : 0;
    this.isAfterCarriageReturn = text.endsWith('\r');
    LINE_END.lastIndex = start;
    for (let end = LINE_END.exec(text); end; end = LINE_END.exec(text)) {
      const line = this.rest + text.slice(start, end.index);
      this.rest = '';
      start = LINE_END.lastIndex;
      if (line === '') blocks += this.takeBlock(id);
      else this.addLine(line);
    }
    this.rest += text.slice(start);
    this.limit();
    return blocks;
  }

  private addLine(line: string): void {
    const isFirst = this.length === 0;
    this.length += line.length;
    if (this.isTooLong) return;
    const text = isFirst && line.startsWith(BYTE_ORDER_MARK) ? line.slice(BYTE_ORDER_MARK.length) : line;
    if (!ID_FIELD.test(text)) this.lines.push(text);
  }

  private takeBlock(id: string | undefined): string {
    const { lines, isTooLong } = this;
    this.lines = [];
    this.length = 0;
    this.isTooLong = false;
    if (isTooLong || lines.length === 0) return '';
    return `${id === undefined ? '' : `id: ${id}\n`}${lines.join('\n')}\n\n`;
  }

  /** Drops a block that has become too long to wait. */
  private limit(): void {
    if (this.length + this.rest.length <= LONGEST_HELD_BLOCK) return;
    this.isTooLong = true;
    this.lines = [];
    // Only whether the line is empty matters now.
    if (this.rest !== '') this.rest = ' ';
    if (this.hasWarned) return;
    this.hasWarned = true;
    logger.warn(
      `The application wrote more than ${LONGEST_HELD_BLOCK} bytes into an event stream without a blank line that ends the block. The block is dropped. Write long blocks with one call.`,
    );
  }
}
