import { ReconnectingClient, startApp, type AdapterName } from '@nestjs-sse-redis/testing';
import { SseHub } from 'nestjs-sse-redis';
import { newsModule } from './news.app.js';

/** Has an `EventSource` come to an application that closes. @returns what it receives of another application, where it goes on */
export async function goOnAtAnother(closingUrl: string, adapter: AdapterName): Promise<string | undefined> {
  const other = await startApp(newsModule({}), adapter);
  const urls = [closingUrl];
  const client = ReconnectingClient.start({ pickUrl: () => `${urls.pop() ?? other.url}/news` });
  try {
    await client.stream.ended;
    await client.opened;
    await other.app.get(SseHub).publish('news', { data: 'from the other' });
    return (await client.waitFor(1))[0]?.data;
  } finally {
    await client.stop();
    await other.close();
  }
}
