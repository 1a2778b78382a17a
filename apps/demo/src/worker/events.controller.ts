import { Controller, Get, Logger, Query, Sse } from '@nestjs/common';
import { SseClient, SseHub } from 'nestjs-sse-redis';
import { CHAT, CLUSTER, FLOOD, NEWS, PEOPLE, PROCESSES, tabChannel } from './channels.js';
import { me } from './identity.js';
import { text, token } from './input.js';
import { SupervisorLink } from './supervisor-link.js';

/** So that a page that opens is not empty: the strip by the stream's rewind, the feeds by their history. */
const REWIND = 60;
const RECENT = 30;

@Controller('events')
export class EventsController {
  private readonly logger = new Logger(EventsController.name);

  constructor(
    private readonly hub: SseHub,
    private readonly supervisor: SupervisorLink,
  ) {}

  /** Everything that a page shows, on one stream with one cursor. */
  @Sse()
  async events(@SseClient() client: SseClient, @Query('tab') tab: unknown, @Query('name') name?: string) {
    const user = token(tab, 'tab');
    const own = tabChannel(user);
    await this.tellWhoServes(own);
    return this.hub.connect(client, [NEWS, CHAT, FLOOD, PROCESSES, PEOPLE, CLUSTER, own], {
      rewind: REWIND,
      user,
      metadata: { name: name === undefined ? 'somebody' : text({ name }, 'name', 30), process: me.name },
    });
  }

  @Get('recent')
  async recent() {
    const [news, chat] = await Promise.all(
      [NEWS, CHAT].map((channel) => this.hub.history(channel, { limit: RECENT })),
    );
    return { news: news?.events, chat: chat?.events, nodes: this.supervisor.nodes };
  }

  /**
   * An EventSource cannot read response headers, so the page learns on its stream which process serves it. Published
   * before the stream begins, it comes right after what the page has missed; for a new page, after the rewind.
   */
  private async tellWhoServes(own: string): Promise<void> {
    try {
      await this.hub.publish(own, { type: 'served', data: me });
    } catch (error) {
      this.logger.warn(`could not tell a page who serves it: ${String(error)}`);
    }
  }
}
