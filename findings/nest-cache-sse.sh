#!/bin/sh
# @nestjs/cache-manager 12.0.0: under `CacheInterceptor`, the second client of an @Sse() stream gets the newest message of the first
# client's stream, and nothing else: the interceptor keeps each message of the Observable as if it were the answer, and `of(message)` ends
# the stream. The handler is not called. An EventSource returns, and gets the same again until the entry is forgotten, which by default it never is.
. "$(dirname "$0")/run.sh"
run '@nestjs/core@12.5.1 @nestjs/common@12.5.1 @nestjs/platform-express@12.5.1 @nestjs/cache-manager@12.0.0 cache-manager@7.2.9 keyv@5.6.0 rxjs@7.8.2 reflect-metadata@0.2.2' 'first client: message 1, message 2, open
second client: message 2, ended
third client: message 2, ended
streams made: 1' <<'JS'
import 'reflect-metadata';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Controller, Module, Sse } from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { concat, concatMap, from, map, NEVER, timer } from 'rxjs';
import { report, sleep } from './server.mjs';

let made = 0;
class NewsController {
  news() {
    made++;
    const messages = from(['message 1', 'message 2']);
    return concat(messages.pipe(concatMap((data) => timer(50).pipe(map(() => ({ data }))))), NEVER);
  }
}
Controller()(NewsController);
Sse('news')(NewsController.prototype, 'news', Object.getOwnPropertyDescriptor(NewsController.prototype, 'news'));

class AppModule {}
Module({
  imports: [CacheModule.register()],
  controllers: [NewsController],
  providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');

/** What a client gets until its stream ends, or for two seconds after its second message. */
async function read() {
  const abort = new AbortController();
  let text = '';
  let end = 'ended';
  try {
    const answer = await fetch(`${await app.getUrl()}/news`, { signal: abort.signal });
    for await (const chunk of answer.body) {
      text += Buffer.from(chunk);
      if (text.includes('message 2\n\n')) sleep(2_000).then(() => abort.abort());
    }
  } catch {
    end = 'open';
  }
  return [...text.match(/message \d/g), end].join(', ');
}

const clients = [];
for (const name of ['first', 'second', 'third']) clients.push(`${name} client: ${await read()}`);
report(...clients, `streams made: ${made}`);
JS
