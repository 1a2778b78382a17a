import { ResponseSink } from '../../../src/response/response-sink.js';
import { formatRetryFrame } from '../../../src/event/sse-frame.js';

/** A node that tells clients no position but with an event. */
ResponseSink.prototype.position = () => true;
ResponseSink.prototype.open = function (_id, retry) {
  return this.write(formatRetryFrame(retry, undefined));
};
