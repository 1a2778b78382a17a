/** Of the demo's hub: in a cluster it decides which slot has the hub's keys. */
export const PREFIX = 'sse-demo';
