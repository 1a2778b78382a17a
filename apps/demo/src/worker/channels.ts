/** What every page is on, over one stream. An event's type says which channel it came from. */
export const NEWS = 'news';
export const CHAT = 'chat';
export const FLOOD = 'flood';
export const PROCESSES = 'processes';
export const PEOPLE = 'people';
export const CLUSTER = 'cluster';

/** What no page is on: it measures. */
export const PROBE = 'probe';

/** What only one tab of a browser is on. */
export const tabChannel = (tab: string) => `tab:${tab}`;
