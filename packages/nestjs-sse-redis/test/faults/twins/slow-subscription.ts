import { setTimeout as delay } from 'node:timers/promises';
import { Subscription } from '../../../src/broker/redis/subscription.js';
import { wrap } from './wrap.js';

/** Subscribing takes its time, as behind other traffic: what depends on when it is done shows. */
wrap(
  Subscription.prototype,
  'add',
  (add) =>
    async function (this: Subscription, channel) {
      await delay(300);
      await add.call(this, channel);
    },
);
