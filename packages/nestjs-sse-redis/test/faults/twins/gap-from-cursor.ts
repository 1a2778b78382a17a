import { SinkWriter } from '../../../src/delivery/sink-writer.js';
import type { Cursor } from '../../../src/delivery/cursor.js';
import type { Gap } from '../../../src/event/gap.js';
import { wrap } from './wrap.js';

/** What is private of it, as this twin sees it. */
const writer = SinkWriter.prototype as unknown as {
  readonly cursor: Cursor;
  sendGap(gap: Gap, cause: string, id: string | undefined): void;
};

/** A node that has every gap begin at the cursor, whatever the cursor has passed on the word of announcements. */
wrap(
  writer,
  'sendGap',
  (sendGap) =>
    function (this: typeof writer, gap, cause, id) {
      sendGap.call(this, { ...gap, from: Math.max(gap.from ?? 0, this.cursor.position) }, cause, id);
    },
);
