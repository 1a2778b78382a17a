import { Subscriber } from '../../../src/delivery/subscriber.js';
import { KnownLosses } from '../../../src/delivery/losses/known-losses.js';

/** A node that keeps to itself which announcements were lost. */
Subscriber.prototype.sendLossGap = () => undefined;
KnownLosses.prototype.gapsFor = () => [];
