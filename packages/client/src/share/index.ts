export { InvalidShareOptionsError } from './invalid-share-options.error.js';
export { logOut } from './log-out.js';
export type { ShareOptions, ShareRole } from './share-options.js';
export { shareTabs } from './share-tabs.js';
export { SharedStream } from './shared-stream.js';
export type { CreateWorker } from './worker-link.js';
