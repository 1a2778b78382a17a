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
      control: true,
      user,
      metadata: { name: name === undefined ? 'somebody' : text({ name }, 'name', 30), process: me.name },
    });
  }

  /**
   * What a stream does not replay. `served` and `floods` are for a tab that joins the stream of another: which process serves it, and
   * which floods may have begun before.
   */
  @Get('recent')
  async recent(@Query('tab') tab: unknown) {
    const { hub, supervisor } = this;
    const last = async (channel: string, limit: number) => (await hub.history(channel, { limit })).events;
    const [news, chat, floods, served] = await Promise.all([
      last(NEWS, RECENT),
      last(CHAT, RECENT),
      last(FLOOD, REWIND),
      tab === undefined ? [] : last(tabChannel(token(tab, 'tab')), 1),
    ]);
    const runs = new Set(floods.map(({ data }) => (data as { run: string }).run));
    return { news, chat, nodes: supervisor.nodes, floods: [...runs], served: served[0] };
  }

  /**
   * Response headers are not for pages, so a page learns on its stream which process serves it. Published before the stream
   * begins, it comes right after what the page has missed; for a new page, after the rewind.
   */
  private async tellWhoServes(own: string): Promise<void> {
    try {
      await this.hub.publish(own, { type: 'served', data: me });
    } catch (error) {
      this.logger.warn(`could not tell a page who serves it: ${String(error)}`);
    }
  }
}
