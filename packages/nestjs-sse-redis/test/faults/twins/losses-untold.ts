import { Connection } from '../../../src/hub/connection.js';

/** A node that keeps to itself which announcements were lost. */
Connection.prototype.tellLoss = () => undefined;
