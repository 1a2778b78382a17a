// Bundled only: a function without Nest. Its errors are no HttpExceptions, and nothing keeps the process from ending.
import { createPublisher, InvalidEventError } from 'nestjs-sse-redis/publisher';

async function main(): Promise<void> {
  const publisher = createPublisher({ redis: process.env.REDIS_URL });
  const { id } = await publisher.publish('news', { type: 'article', data: { headline: 'from a worker' } });
  const failure = await publisher.publish('news', { type: 'end', data: 1 }).catch((error: unknown) => error);
  await publisher.close();
  console.log('published', /^\d+-\d+$/.test(id), failure instanceof InvalidEventError);
}

void main();
