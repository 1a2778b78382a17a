import { serve } from '../processes/serve.js';
import { SHARDED } from '../event/shards.js';
import type { Publisher, PublisherName } from './publisher.js';
import { Source, type Pace } from './source.js';

const create: Record<PublisherName, (url: string) => Promise<Publisher>> = {
  hub: async (url) => (await import('./hub-publisher.js')).createHubPublisher(url),
  'hub-shards': async (url) => (await import('./hub-publisher.js')).createHubPublisher(url, SHARDED),
  plain: async (url) => (await import('./plain-publisher.js')).createPlainPublisher(url),
  transmit: async (url) => (await import('./transmit-publisher.js')).createTransmitPublisher(url),
};

const [name, url] = process.argv.slice(2) as [PublisherName, string];
const publisher = await create[name](url);
let source = new Source(publisher, '');

const methods = {
  begin: (session: string) => {
    source = new Source(publisher, session);
  },
  useChannels: (count: number) => source.useChannels(count),
  setSize: (bytes: number) => source.setSize(bytes),
  burst: (count: number) => source.burst(count),
  paced: (pace: Pace) => source.paced(pace),
  lastSequences: () => source.lastSequences,
};

export type PublisherMethods = typeof methods;

serve(methods);
