#!/bin/sh
# @nestjs/core 12.5.1 answers an @Sse() handler that awaits something and then throws a ForbiddenException with status 403, but with
# status 200 and an event of type `error` as soon as any interceptor is bound, even one that only passes on. With an interceptor
# Nest subscribes to the Observable at once and sends the headers on the next macrotask, before the handler has decided. An
# EventSource takes the answer for a stream and comes back. Without a wait before the exception the status is right in both cases.
. "$(dirname "$0")/run.sh"
run '@nestjs/core@12.5.1 @nestjs/common@12.5.1 @nestjs/platform-express@12.5.1 rxjs@7.8.2 reflect-metadata@0.2.2' 'at once, no interceptor: 403
at once, an interceptor that passes on: 403
after 20 ms, no interceptor: 403
after 20 ms, an interceptor that passes on: 200 text/event-stream, event: error' <<'JS'
import 'reflect-metadata';
import { Controller, ForbiddenException, Module, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { report, sleep } from './server.mjs';

class OrdersController {
  async atOnce() {
    throw new ForbiddenException('not yours');
  }
  async later() {
    await sleep(20);
    throw new ForbiddenException('not yours');
  }
}
Controller()(OrdersController);
for (const name of ['atOnce', 'later'])
  Sse(name)(OrdersController.prototype, name, Object.getOwnPropertyDescriptor(OrdersController.prototype, name));

class AppModule {}
Module({ controllers: [OrdersController] })(AppModule);

const lines = [];
for (const [path, when] of [['atOnce', 'at once'], ['later', 'after 20 ms']]) {
  for (const [interceptors, which] of [[[], 'no interceptor'], [[{ intercept: (_, next) => next.handle() }], 'an interceptor that passes on']]) {
    const app = await NestFactory.create(AppModule, { logger: false });
    app.useGlobalInterceptors(...interceptors);
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`http://127.0.0.1:${app.getHttpServer().address().port}/${path}`);
    const body = await response.text();
    const type = response.headers.get('content-type').split(';')[0];
    const event = /event: \w+/.exec(body)?.[0];
    lines.push(`${when}, ${which}: ${response.status}${type === 'application/json' ? '' : ` ${type}, ${event}`}`);
    await app.close();
  }
}
report(...lines);
JS
