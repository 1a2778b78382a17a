import { RedisBroker } from '../../../src/broker/redis/redis-broker.js';
import { wrap } from './wrap.js';

/** A node that takes the position first, and subscribes then, without waiting for the acknowledgement. */
wrap(
  RedisBroker.prototype,
  'subscribe',
  (subscribe) =>
    async function (this: RedisBroker, channel) {
      const position = await this.position();
      subscribe.call(this, channel).catch(() => undefined);
      return position;
    },
);
