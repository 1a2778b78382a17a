import { Controller, Get, HttpCode, Logger, Post, ServiceUnavailableException } from '@nestjs/common';
import { SseHub } from 'nestjs-sse-redis';
import { CLUSTER } from './channels.js';
import { me } from './identity.js';
import { PublishProbe } from './publish-probe.js';
import { SupervisorLink } from './supervisor-link.js';

/** There with `--cluster` alone. */
@Controller('cluster')
export class ClusterController {
  private readonly logger = new Logger(ClusterController.name);

  constructor(
    private readonly hub: SseHub,
    private readonly supervisor: SupervisorLink,
  ) {}

  @Get()
  list() {
    return this.supervisor.nodes;
  }

  /** Fails over the master with the keys of the hub, and measures meanwhile how long publishing through this process stands still. */
  @Post('failover')
  @HttpCode(200)
  async failOver() {
    const probe = new PublishProbe(this.hub);
    try {
      const failover = await this.supervisor.failOver();
      const outcome = { ...failover, ...(await probe.stop()), through: me.name };
      await this.tellPages(outcome);
      return outcome;
    } catch (error) {
      await probe.stop();
      throw new ServiceUnavailableException(error instanceof Error ? error.message : String(error));
    }
  }

  /** A logged event: just after a failover a process may not be subscribed yet, and would miss an ephemeral one. */
  private async tellPages(failover: object): Promise<void> {
    try {
      await this.hub.publish(CLUSTER, { type: CLUSTER, data: { failover } });
    } catch (error) {
      this.logger.warn(`could not tell the pages about a failover: ${String(error)}`);
    }
  }
}
