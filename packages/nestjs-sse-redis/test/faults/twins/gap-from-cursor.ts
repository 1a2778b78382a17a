import { Connection } from '../../../src/hub/connection.js';
import type { Cursor } from '../../../src/hub/cursor.js';
import type { Gap } from '../../../src/hub/outlet.js';
import { wrap } from './wrap.js';

/** What is private of it, as this twin sees it. */
const connection = Connection.prototype as unknown as {
  readonly cursor: Cursor;
  tellGap(gap: Gap, cause: string, id: string | undefined): void;
};

/** A node that has every gap begin at the cursor, whatever the cursor has passed on the word of announcements. */
wrap(
  connection,
  'tellGap',
  (tellGap) =>
    function (this: typeof connection, gap, cause, id) {
      tellGap.call(this, { ...gap, from: Math.max(gap.from ?? 0, this.cursor.position) }, cause, id);
    },
);
