import {
  Body,
  Controller,
  Get,
  HttpException,
  Param,
  Post,
  Query,
  Sse,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import {
  SseChannels,
  SseClient,
  SseHub,
  SseRedisModule,
  type PublishOptions,
  type StartFrom,
  type SseRedisOptions,
} from 'nestjs-sse-redis';

/** Lets in who says who they are, as a session or a token would. */
@Injectable()
export class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string>; user?: { id: string } }>();
    const id = request.headers['x-user'];
    if (!id) throw new UnauthorizedException('Say who you are.');
    request.user = { id };
    return true;
  }
}

@Controller()
export class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('news')
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, ['news']);
  }

  @Sse('streams')
  streams(
    @SseClient() client: SseClient,
    @Query('channels') channels: string,
    @Query('rewind') rewind?: string,
    @Query('from') from?: string,
  ) {
    const start = from ? { from: JSON.parse(from) as StartFrom } : { rewind: Number(rewind ?? 0) };
    return this.hub.connect(client, channels.split(','), start);
  }

  @Sse('mine')
  @UseGuards(UserGuard)
  mine(@SseClient() client: SseClient) {
    return this.hub.connect(client, ['news', `user:${client.user}`]);
  }

  @Sse('orders/:id/progress')
  @SseChannels((request) => `order:${request.params.id}`)
  progress(@Param('id') id: string): void {
    if (id === 'forbidden') throw new HttpException('not yours', 403);
  }

  @Post('publish/:channel')
  publish(
    @Param('channel') channel: string,
    @Body() body: { type?: string; data: unknown; options?: PublishOptions },
  ) {
    return this.hub.publish(channel, body, body.options);
  }

  @Get('snapshot')
  async snapshot() {
    return { cursor: await this.hub.cursor() };
  }
}

/**
 * Without heartbeats, for tests that count writes: the first connection of a hub gets its first heartbeat 1/32 of the
 * interval after the hub was made, which is 625 ms by default. Half of `history.ttl` is the longest interval.
 */
export const NO_HEARTBEATS: SseRedisOptions = { heartbeatInterval: 1_800_000 };

/** `DIRECT_WRITES=false npm run jest -- test/http` runs the specs of streams over Node's documented interfaces only. */
export const DIRECT_WRITES: SseRedisOptions = { directWrites: process.env['DIRECT_WRITES'] !== 'false' };

/** An application as a user would write it. */
export function newsModule(options: SseRedisOptions) {
  return {
    imports: [SseRedisModule.forRoot({ ...DIRECT_WRITES, ...options })],
    controllers: [NewsController],
  };
}
