#!/bin/sh
# @nestjs/core 12.5.1 answers 500 where @fastify/rate-limit 11.2.0 refuses a request with 429: the plugin throws a plain `Error` with
# a `statusCode`, and Nest 12 takes the status of an Error only if it is a FastifyError or one of `http-errors`. @nestjs/core
# 11.2.10 answers 429. The header `retry-after` is sent by both.
. "$(dirname "$0")/run.sh"
run '@nestjs/core@12.5.1 @nestjs/common@12.5.1 @nestjs/platform-fastify@12.5.0 @fastify/rate-limit@11.2.0 rxjs@7.8.2 reflect-metadata@0.2.2' 'first: 200
second: 500 {"statusCode":500,"message":"Internal server error"}, retry-after 60' <<'JS'
import 'reflect-metadata';
import rateLimit from '@fastify/rate-limit';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { report } from './server.mjs';

class OrdersController {
  list() {
    return 'orders';
  }
}
Controller()(OrdersController);
Get()(OrdersController.prototype, 'list', Object.getOwnPropertyDescriptor(OrdersController.prototype, 'list'));

class AppModule {}
Module({ controllers: [OrdersController] })(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.register(rateLimit, { max: 1, timeWindow: '1 minute' });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const first = await fetch(url);
await first.text();
const second = await fetch(url);
report(
  `first: ${first.status}`,
  `second: ${second.status} ${await second.text()}, retry-after ${second.headers.get('retry-after')}`,
);
await app.close();
JS
