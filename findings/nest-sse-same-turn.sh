#!/bin/sh
# @nestjs/core 12.5.1 does not send all that an Observable of an @Sse() handler emitted before it failed. Where it emits two messages
# and fails in the same turn, the second one is dropped, and the error is sent in its place. Where it completes instead, both are
# sent; and so are they where it fails a turn later.
. "$(dirname "$0")/run.sh"
run '@nestjs/core@12.5.1 @nestjs/common@12.5.1 @nestjs/platform-express@12.5.1 rxjs@7.8.2 reflect-metadata@0.2.2' 'completes: a, b
fails: a, Internal server error
fails later: a, b, Internal server error' <<'JS'
import 'reflect-metadata';
import { Controller, Module, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { concat, delay, mergeMap, of, throwError } from 'rxjs';
import { report } from './server.mjs';

const messages = of({ data: 'a' }, { data: 'b' });
const failure = throwError(() => new Error('failed'));
class NewsController {
  completes() {
    return messages;
  }
  fails() {
    return concat(messages, failure);
  }
  later() {
    return concat(messages, of(1).pipe(delay(20), mergeMap(() => failure)));
  }
}
Controller()(NewsController);
for (const name of ['completes', 'fails', 'later'])
  Sse(name)(NewsController.prototype, name, Object.getOwnPropertyDescriptor(NewsController.prototype, name));

class AppModule {}
Module({ controllers: [NewsController] })(AppModule);
const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');

async function dataOf(path) {
  const response = await fetch(`http://127.0.0.1:${app.getHttpServer().address().port}/${path}`);
  const text = await response.text();
  return Array.from(text.matchAll(/data: (.*)/g), ([, data]) => data).join(', ');
}
report(`completes: ${await dataOf('completes')}`, `fails: ${await dataOf('fails')}`, `fails later: ${await dataOf('later')}`);
JS
