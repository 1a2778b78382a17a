/** What every page is on, over one stream. An event's type says which channel it came from. */
export const NEWS = 'news';
export const CHAT = 'chat';
export const FLOOD = 'flood';
export const PROCESSES = 'processes';
export const PEOPLE = 'people';
export const CLUSTER = 'cluster';

/** Answers of the mock model. A page adds it to its stream, after the beginning of the last answer. */
export const ASK = 'ask';

/** What no page is on: it measures. */
export const PROBE = 'probe';

/** What only one tab of a browser is on. */
export const tabChannel = (tab: string) => `tab:${tab}`;
