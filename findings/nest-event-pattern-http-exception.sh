#!/bin/sh
# @nestjs/microservices 12.1.1 loses an HttpException that a handler of @EventPattern() throws: nothing is logged, and an event has no
# answer. `BaseRpcExceptionFilter` does not log an `IntrinsicException`, which every HttpException is. An Error and an
# RpcException of the same handler are logged, the latter since nest pull request 17634 (issue 17633). A handler that shares a service with HTTP controllers, whose NotFoundException is an
# HttpException, fails without a trace.
. "$(dirname "$0")/run.sh"
run '@nestjs/core@12.5.1 @nestjs/common@12.5.1 @nestjs/microservices@12.1.1 rxjs@7.8.2 reflect-metadata@0.2.2' 'Error: 1 line in the log
RpcException: 1 line in the log
NotFoundException: 0 lines in the log' <<'JS'
import 'reflect-metadata';
import { Controller, Module, NotFoundException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, EventPattern, RpcException, Transport } from '@nestjs/microservices';
import { createServer } from 'node:net';
import { lastValueFrom } from 'rxjs';
import { report, sleep } from './server.mjs';

const errors = [new Error('no such order'), new RpcException('no such order'), new NotFoundException('no such order')];
let called = 0;

class OrdersController {
  onPaid(index) {
    called++;
    throw errors[index];
  }
}
Controller()(OrdersController);
EventPattern('paid')(OrdersController.prototype, 'onPaid', Object.getOwnPropertyDescriptor(OrdersController.prototype, 'onPaid'));

class AppModule {}
Module({ controllers: [OrdersController] })(AppModule);

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
let lines = 0;
const count = () => void lines++;
const options = { host: '127.0.0.1', port };
const logger = { log() {}, debug() {}, verbose() {}, warn: count, error: count, fatal: count };
const service = await NestFactory.createMicroservice(AppModule, { transport: Transport.TCP, options, logger });
await service.listen();
const client = ClientProxyFactory.create({ transport: Transport.TCP, options });

const seen = [];
for (const [index, error] of errors.entries()) {
  lines = 0;
  await lastValueFrom(client.emit('paid', index), { defaultValue: undefined });
  while (called <= index) await sleep(10);
  await sleep(200);
  seen.push(`${error.constructor.name}: ${lines} line${lines === 1 ? '' : 's'} in the log`);
}
report(...seen);
JS
