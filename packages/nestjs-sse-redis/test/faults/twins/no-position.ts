import { ResponseOutlet } from '../../../src/http/response-outlet.js';
import { retryFrame } from '../../../src/hub/frames.js';

/** A node that tells clients no position but with an event. */
ResponseOutlet.prototype.position = () => true;
ResponseOutlet.prototype.open = function (_id, retry) {
  return this.write(retryFrame(retry, undefined));
};
