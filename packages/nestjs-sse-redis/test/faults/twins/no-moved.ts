import { Subscription } from '../../../src/broker/redis/subscription.js';
import { wrap } from './wrap.js';

/** A node that does not notice that the cluster has ended its subscriptions: only the watch of the nodes, or a probe, finds out. */
wrap(Subscription.prototype as unknown as { onMoved(): void }, 'onMoved', () => () => undefined);
