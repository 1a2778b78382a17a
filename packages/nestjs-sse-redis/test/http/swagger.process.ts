import { SwaggerModule } from '@nestjs/swagger';
import { serveApp } from '@nestjs-sse-redis/testing/serve-app';
import { createDocument, shopModule } from './swagger.app.js';

// As in the `main.ts` of an application, outside of Jest, which cannot load what `@fastify/static` requires.
await serveApp(shopModule(), {
  adapter: process.argv[2],
  configure: (app) => SwaggerModule.setup('api', app, createDocument(app)),
});
