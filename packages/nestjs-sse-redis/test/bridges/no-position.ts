// Negative control: an owner that does not look for the position of the one before.
import { ClusterListener } from '../../src/listeners/cluster-listener.js';

(ClusterListener.prototype as unknown as { findPosition(): Promise<undefined> }).findPosition = () =>
  Promise.resolve(undefined);
