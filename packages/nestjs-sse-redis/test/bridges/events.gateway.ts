import { UseFilters } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { SseHub, SseRedisErrorFilter } from 'nestjs-sse-redis';
import { map, startWith } from 'rxjs';
import type { Socket } from 'socket.io';
import { mayRead } from './may-read.js';

interface Watch {
  readonly channel: string;
  readonly after?: string;
}

@WebSocketGateway()
@UseFilters(SseRedisErrorFilter)
export class EventsGateway {
  constructor(private readonly hub: SseHub) {}

  @SubscribeMessage('watch')
  async watch(@MessageBody() { channel, after }: Watch, @ConnectedSocket() socket: Socket) {
    // `authorize` of the hub concerns streams alone.
    if (!mayRead(socket, channel)) throw new WsException('forbidden');
    const from = after ?? (await this.hub.cursor([channel]));
    return this.hub.events(channel, { after: from }).pipe(
      // A page that is cut off before its first event comes back with this.
      startWith({ id: from, type: 'position' }),
      map((event) => ({ event: 'event', data: event })),
    );
  }
}
