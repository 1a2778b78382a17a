#!/bin/sh
# @nestjs/cqrs 12.0.0 does not say which handler of an event failed: the line in the log names "InstanceWrapper" for each of them. Where
# the application closes while a handler works, its later error is neither logged nor sent to the UnhandledExceptionBus: the bus has left
# its subscriptions, and `app.close()` does not wait for handlers.
. "$(dirname "$0")/run.sh"
run '@nestjs/core@12.5.1 @nestjs/common@12.5.1 @nestjs/cqrs@12.0.0 rxjs@7.8.2 reflect-metadata@0.2.2' 'log: "InstanceWrapper" has thrown an unhandled exception.
bus: Error: while it runs
the handler fails after close: no line, nothing in the bus' <<'JS'
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule, EventBus, EventsHandler, UnhandledExceptionBus } from '@nestjs/cqrs';
import { report, sleep } from './server.mjs';

class OrderPaid {
  constructor(failure, ms) {
    Object.assign(this, { failure, ms });
  }
}
class OrderPaidHandler {
  async handle({ failure, ms }) {
    await sleep(ms);
    hasFailed = true;
    throw new Error(failure);
  }
}
EventsHandler(OrderPaid)(OrderPaidHandler);

class AppModule {}
Module({ imports: [CqrsModule.forRoot()], providers: [OrderPaidHandler] })(AppModule);

let hasFailed = false;
const seen = [];
const logger = { log() {}, debug() {}, verbose() {}, warn() {}, error: (text) => void seen.push(`log: ${text}`) };
const app = await NestFactory.createApplicationContext(AppModule, { logger });
app.get(UnhandledExceptionBus).subscribe(({ exception }) => seen.push(`bus: ${exception}`));
app.get(EventBus).publish(new OrderPaid('while it runs', 0));
while (seen.length < 2) await sleep(10);
const before = seen.sort((a, b) => b.localeCompare(a)).splice(0);

hasFailed = false;
app.get(EventBus).publish(new OrderPaid('after close', 200));
await app.close();
if (hasFailed) before.push('close waited for the handler');
while (!hasFailed) await sleep(10);
await sleep(200);
report(...before, seen.length === 0 ? 'the handler fails after close: no line, nothing in the bus' : seen.join(', '));
JS
