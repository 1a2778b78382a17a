import { Subscriber } from '../../../src/delivery/subscriber.js';
import { LostAnnouncements } from '../../../src/delivery/losses/lost-announcements.js';

/** A node that keeps to itself which announcements were lost. */
Subscriber.prototype.sendLossGap = () => undefined;
LostAnnouncements.prototype.gapsFor = () => undefined;
