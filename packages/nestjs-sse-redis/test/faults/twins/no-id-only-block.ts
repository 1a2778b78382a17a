import { ResponseOutlet } from '../../../src/http/response-outlet.js';

/** A node that tells clients no position but with an event. */
ResponseOutlet.prototype.position = () => true;
