import { Controller, Query, Sse } from '@nestjs/common';
import {
  SseClient,
  SseConnectionsController,
  SseHub,
  SseRedisModule,
  type SseRedisOptions,
} from 'nestjs-sse-redis';

import { DIRECT_WRITES } from './news.app.js';

type Request = { headers: Record<string, string> };

@Controller()
export class RoomsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('rooms')
  rooms(
    @SseClient() client: SseClient,
    @Query('channels') channels: string,
    @Query('control') control?: string,
    @Query('name') name?: string,
    @Query('expires') expires?: string,
  ) {
    return this.hub.connect(client, channels === '' ? [] : channels.split(','), {
      control: control !== undefined,
      metadata: name === undefined ? undefined : { name },
      ...(expires !== undefined && { expiresAt: Date.now() + Number(expires) }),
    });
  }
}

/** Short times, so that what takes them is over soon. A lease is longer than a busy machine leaves a process without its processor. */
export const QUICK: SseRedisOptions = {
  retry: 50,
  probeInterval: 1_000,
  heartbeatInterval: 500,
  registry: { leaseTtl: 5_000, sweepInterval: 200 },
  identify: (request: Request) => request.headers['x-user'],
};

/** An application in which it matters who is where. */
export function roomsModule(options: SseRedisOptions) {
  return {
    imports: [SseRedisModule.forRoot({ ...DIRECT_WRITES, ...QUICK, ...options })],
    controllers: [RoomsController, SseConnectionsController],
  };
}
