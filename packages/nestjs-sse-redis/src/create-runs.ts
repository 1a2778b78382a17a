import type { Publication } from './broker/broker.interface.js';
import { RUN_LENGTH } from './broker/run-events.js';
import type { RunHistory } from './broker/run-store.interface.js';
import type { ChannelDefinitions } from './channels/channel-definitions.js';
import type { NodeCommand, CommandResult } from './control/connection-command.js';
import { readHistory } from './delivery/history.js';
import { observeChannel } from './delivery/observe-channel.js';
import type { Shards } from './delivery/shards/shards.js';
import { OwnData } from './event/own-data.js';
import type { SseEventInput } from './event/sse-event.js';
import type { HubState } from './hub/hub-state.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import type { Publisher } from './publish/publisher.js';
import type { NodeRegistration } from './registry/node-registration.js';
import type { RunCluster } from './runs/run-cluster.interface.js';
import { RunLease } from './runs/run-lease.js';
import { Runs } from './runs/runs.js';

/** Events of a log that are read for the end of a run. */
const READ_AT_ONCE = 1_000;

/** What runs are made of. */
interface RunParts {
  readonly id: string;
  readonly options: ResolvedOptions;
  readonly publisher: Publisher;
  readonly shards: Shards;
  readonly registration: NodeRegistration;
  readonly state: HubState;
  readonly definitions: ChannelDefinitions;
  /** Asks a process. */
  readonly request: (node: string, command: NodeCommand) => Promise<readonly CommandResult[]>;
}

function prepare(
  publisher: Publisher,
  channel: string,
  event: SseEventInput,
): Publication | Promise<Publication> {
  if (event.data instanceof OwnData) return publisher.prepareHubEvent(channel, event.data.toText(event.type));
  return publisher.prepare(channel, event, { replicas: 0, ephemeral: false });
}

/** The runs of this process, wired to its parts. */
export function createRuns(parts: RunParts): Runs {
  const { id, options, publisher, shards, registration, definitions, request } = parts;
  const lease = new RunLease(() => registration.leaseUntil);
  const { historyOf, retainOf } = createRules(definitions, options);
  // All of a call are of one channel.
  const complete = (publications: readonly Publication[]): Publication[] => {
    const { channel } = publications[0]!;
    const rest = { history: historyOf(channel), copy: publisher.copyOf(definitions.find(channel), channel) };
    return publications.map((publication) => Object.assign({}, publication, rest));
  };
  const runs = new Runs(
    {
      nodeId: id,
      payloadBytes: options.payloadBytes,
      prepare: (channel, event) => prepare(publisher, channel, event),
      send: (publications) => publisher.send(complete(publications)),
      owns: (signal) => lease.owns(signal),
      pauseOf: (channel) => shards.pauseOf(channel),
    },
    {
      store: (channel) => shards.of(channel).broker.runs,
      historyOf,
      retainOf,
      sources: createSources(parts),
      mayLive: (node) => registration.mayLive(node),
      askToStop: async (node, run) =>
        (await request(node, { type: 'stop-run', run })).some(({ connections }) => connections > 0),
      claim: (channel) => registration.addRuns([channel]),
      release: (channel) => registration.removeRuns([channel]),
    },
    options,
  );
  registration.onNewLease = () => lease.renew(runs.confirm(Date.now() - registration.leaseUntil));
  registration.sweeper.onRunsLeft = (node, channels) => runs.endLeft(node, channels);
  return runs;
}

/** What is asked about runs of any process. */
function createSources({ shards, state }: RunParts): RunCluster['sources'] {
  return (channel, run) => ({
    observe: () => observeChannel(shards.subscribers, channel, { lastEventId: run }, state),
    read: (after) => readHistory(shards, channel, { after, limit: READ_AT_ONCE }),
    pause: shards.pauseOf(channel),
    isClosed: () => state.isClosed,
  });
}

/** What is kept of runs. */
function createRules(
  definitions: ChannelDefinitions,
  options: Pick<ResolvedOptions, 'maxLength' | 'ttl'>,
): Pick<RunCluster, 'historyOf' | 'retainOf'> {
  const historyOf = (channel: string): RunHistory => {
    const history = definitions.find(channel)?.definition.history;
    return { ...history, maxLength: history?.maxLength ?? Math.max(RUN_LENGTH, options.maxLength) };
  };
  const retainOf = (channel: string): number => {
    const { ttl = options.ttl, ttlAfterEnd = ttl } = historyOf(channel);
    return ttlAfterEnd;
  };
  return { historyOf, retainOf };
}
