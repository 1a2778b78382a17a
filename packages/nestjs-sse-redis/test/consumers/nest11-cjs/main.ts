import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module';
import { checkStream } from './check-stream';

async function main(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule);
  await app.listen(0, '127.0.0.1');
  await checkStream(await app.getUrl());
  await app.close();
  console.log('whole');
}

void main();
