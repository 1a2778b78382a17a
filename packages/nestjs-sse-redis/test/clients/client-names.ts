/** The client libraries under test; package.json has their versions. */
export const LIBRARIES = [
  'eventsource 2',
  'eventsource 3',
  'eventsource 4',
  'eventsource-client',
  'launchdarkly-eventsource',
  'event-source-polyfill',
  'undici',
] as const;

export type LibraryName = (typeof LIBRARIES)[number];

/** Every client under test. */
export const CLIENTS = ['Chromium', 'Firefox', ...LIBRARIES] as const;

export type ClientName = (typeof CLIENTS)[number];
