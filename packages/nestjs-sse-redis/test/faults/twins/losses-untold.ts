import { Connection } from '../../../src/hub/connection.js';
import { LostAnnouncements } from '../../../src/hub/lost-announcements.js';

/** A node that keeps to itself which announcements were lost. */
Connection.prototype.tellLoss = () => undefined;
LostAnnouncements.prototype.gapsFor = () => undefined;
