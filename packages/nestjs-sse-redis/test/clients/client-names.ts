import { browserNames } from '@nestjs-sse-redis/testing/browser';

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

const TITLES = { chromium: 'Chromium', firefox: 'Firefox', webkit: 'WebKit' };

/** The browsers under test, as people call them. */
export const BROWSERS = browserNames.map((name) => ({ name, title: TITLES[name] }));

/** Every client under test. */
export const CLIENTS = [...BROWSERS.map(({ title }) => title), ...LIBRARIES];
