// In the place of the workspace's own: the spec copies these files of `libs/testing` beside it.
export { ReconnectingClient } from './testing/reconnecting-client.js';
export { until } from './testing/until.js';
