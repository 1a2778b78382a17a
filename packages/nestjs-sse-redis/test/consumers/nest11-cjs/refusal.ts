// Bundled only: a refusal of Redis keeps its reason where names of classes are shortened, that of ioredis' `ReplyError` too.
import { Redis } from 'ioredis';
import { createPublisher, RedisRefusedError } from 'nestjs-sse-redis/publisher';

async function main(): Promise<void> {
  const url = new URL(process.env.REDIS_URL!);
  const admin = new Redis(url.href);
  await admin.call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '&*', '+@all', '-xadd');
  const publisher = createPublisher({ redis: `redis://reader:pw@${url.host}` });
  const failure = await publisher.publish('news', { data: 1 }).catch((error: unknown) => error);
  await Promise.all([publisher.close(), admin.quit()]);
  console.log(failure instanceof RedisRefusedError && failure.code, RedisRefusedError.name.length < 5);
}

void main();
