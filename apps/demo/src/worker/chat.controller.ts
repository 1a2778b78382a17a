import { Body, Controller, Post } from '@nestjs/common';
import { SseHub } from 'nestjs-sse-redis';
import { CHAT } from './channels.js';
import { me } from './identity.js';
import { optionalToken, text } from './input.js';

@Controller('chat')
export class ChatController {
  constructor(private readonly hub: SseHub) {}

  @Post()
  say(@Body() body: Record<string, unknown>) {
    return this.hub.publish(
      CHAT,
      { type: CHAT, data: { name: text(body, 'name', 30), text: text(body, 'text', 500), by: me.name } },
      { idempotencyKey: optionalToken(body['key'], 'key') },
    );
  }
}
