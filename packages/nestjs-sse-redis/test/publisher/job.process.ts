import { announceReady } from '@nestjs-sse-redis/testing/child';
import { createPublisher, InvalidEventError, type PublisherOptions } from '../../src/publisher/index.js';

// A scheduled job: publishes, closes, and has nothing more to do.
const [, , options, end] = process.argv;
const publisher = createPublisher(JSON.parse(options!) as PublisherOptions);
const channels = ['a', 'b', 'c', 'd'];
await publisher.publishMany(channels.map((channel) => ({ channel, type: 'job', data: process.pid })));
const failure = await publisher.publish('a', { type: 'end', data: 1 }).catch((error: unknown) => error);
const { name, statusCode, message } = failure as InvalidEventError;
console.log(JSON.stringify({ isOurs: failure instanceof InvalidEventError, name, statusCode, message }));
if (end === 'close') await publisher.close();
announceReady(1);
