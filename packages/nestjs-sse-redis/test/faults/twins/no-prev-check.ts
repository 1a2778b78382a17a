import { Feed } from '../../../src/delivery/feed.js';
import { wrap } from './wrap.js';

/** A node that believes every announcement to be the next: `prev` is not looked at. */
wrap(
  Feed.prototype,
  'receive',
  (receive) =>
    function (this: Feed, record) {
      receive.call(this, { ...record, prev: 0 });
    },
);
