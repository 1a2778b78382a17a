import { Body, Controller, Post, Sse } from '@nestjs/common';
import { SseClient, SseHub } from 'nestjs-sse-redis';
import { NEWS } from './channels.js';
import { me } from './identity.js';
import { optionalToken, text } from './input.js';

@Controller('news')
export class NewsController {
  constructor(private readonly hub: SseHub) {}

  /** `curl -N localhost:3000/news` */
  @Sse()
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, [NEWS], { metadata: { name: 'curl', process: me.name } });
  }

  /** `curl -X POST localhost:3000/news -H 'content-type: application/json' -d '{"headline":"…"}'` */
  @Post()
  post(@Body() body: Record<string, unknown>) {
    return this.hub.publish(
      NEWS,
      { type: NEWS, data: { headline: text(body, 'headline', 200), by: me.name } },
      { idempotencyKey: optionalToken(body['key'], 'key') },
    );
  }
}
