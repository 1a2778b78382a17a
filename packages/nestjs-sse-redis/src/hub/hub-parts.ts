import type { ChannelDefinitions } from '../channels/channel-definitions.js';
import type { ConnectionControl } from '../control/connection-control.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { Runs } from '../runs/runs.js';
import type { Pipes } from '../publish/pipes.js';
import type { Publisher } from '../publish/publisher.js';
import type { StatsSources } from './hub-stats.js';
import type { ReadinessSources } from './readiness.js';

/** The parts of this node that the hub uses. `SseNode` composes them. */
export interface HubParts extends ReadinessSources, StatsSources {
  readonly options: ResolvedOptions;
  readonly registration: StatsSources['registration'] & ReadinessSources['registration'];
  readonly definitions: ChannelDefinitions;
  readonly publisher: Publisher;
  readonly pipes: Pipes;
  readonly runs: Runs;
  readonly control: ConnectionControl;
}
