import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { MemoryBroker } from './broker/memory/memory-broker.js';
import { RedisBroker } from './broker/redis/redis-broker.js';
import type { ShardPlace } from './broker/shard-place.interface.js';
import type { ChannelDefinitions } from './channels/channel-definitions.js';
import { withinTime } from './util/within-time.js';
import { ClientConnections } from './clients/client-connections.js';
import { authorizeByDefinitions } from './clients/definition-rules.js';
import { createRuns } from './create-runs.js';
import { LimitPeersByRpc } from './control/limit-peers.js';
import { executeCommand } from './control/command-executor.js';
import type { CommandResult, NodeCommand } from './control/connection-command.js';
import { ConnectionControl } from './control/connection-control.js';
import { NodeRpc } from './control/node-rpc.js';
import { Heartbeat } from './delivery/heartbeat.js';
import { HubCounters } from './delivery/hub-counters.js';
import { EventRing } from './delivery/event-ring.js';
import { RECENT_BYTES } from './delivery/feeds.js';
import { observeChannel } from './delivery/observe-channel.js';
import { Shard, type ShardHooks } from './delivery/shards/shard.js';
import { Shards } from './delivery/shards/shards.js';
import { ShardMap } from './event/shard-map.js';
import { HubState } from './hub/hub-state.js';
import type { HubParts } from './hub/hub-parts.js';
import { SseHub } from './hub/sse-hub.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import { Pipes } from './publish/pipes.js';
import { Publisher } from './publish/publisher.js';
import { NodeRegistration } from './registry/node-registration.js';
import { SocketGroup } from './response/socket-group.js';
import { SseRegistry } from './registry/sse-registry.js';
import type { Runs } from './runs/runs.js';

/** The part of `drain.timeout` that running pipes may take; the clients have the rest. */
const PIPES_PART = 3 / 4;

/** This process as a node of the deployment: composes the parts, wires the broker to them, starts and stops them in order. */
export class SseNode implements HubParts {
  private readonly logger = new Logger('SseRedisModule');
  readonly hub: SseHub;
  readonly registry: SseRegistry;
  readonly id = randomBytes(9).toString('base64url');
  readonly state = new HubState();
  readonly counters = new HubCounters();
  readonly registration: NodeRegistration;
  private readonly heartbeat: Heartbeat;
  readonly shards: Shards;
  readonly clients: ClientConnections;
  private readonly nodeRpc: NodeRpc;
  readonly pipes: Pipes;
  readonly publisher: Publisher;
  readonly runs: Runs;
  readonly control: ConnectionControl;

  /** @param definitions those of the option `channels`, and of the application's modules */
  constructor(
    readonly options: ResolvedOptions,
    readonly definitions: ChannelDefinitions,
  ) {
    const { id, counters, state } = this;
    definitions.checkHistory(options.auditInterval);
    this.heartbeat = new Heartbeat(options.heartbeatInterval);
    const shards = (this.shards = this.createShards());
    const { broker } = shards.home;
    const description = { id, host: hostname(), pid: process.pid };
    this.registration = new NodeRegistration(description, broker.registry, options, broker.pause);
    const authorize = authorizeByDefinitions(definitions, options.authorize);
    const checkStates = (names: readonly string[]): void => definitions.checkStates(names, shards.map.count);
    const settings = { ...options, authorize, checkStates };
    this.clients = new ClientConnections(id, shards.subscribers, this.registration, settings, counters);
    this.nodeRpc = new NodeRpc(id, shards, this.registration, (command) => this.execute(command));
    this.clients.peers = new LimitPeersByRpc(this.nodeRpc);
    this.publisher = new Publisher(shards, options, counters, () => state.check(), definitions);
    this.pipes = new Pipes(this.publisher);
    const request = async (node: string, command: NodeCommand) =>
      (await this.nodeRpc.request(node, command)).results;
    const { publisher, registration } = this;
    const parts = { id, options, publisher, shards, registration, state, definitions, request };
    this.runs = createRuns(parts);
    this.control = new ConnectionControl(this.nodeRpc, registration, {
      limit: options.channelsPerConnection,
      shards: shards.map,
      isState: definitions.isState,
    });
    this.hub = new SseHub(this);
    this.registry = new SseRegistry(broker.registry, this.registration, (channel) =>
      observeChannel(shards.home.subscribers, channel, {}, state),
    );
    this.wireRegistration();
  }

  private wireRegistration(): void {
    const { registration, clients, shards } = this;
    // Where the link is lost, what is revoked now is not heard, though the lease is renewed.
    registration.onRenewed = () => {
      if (shards.home.feeds.link.up) clients.resumeDelivery();
    };
    registration.onSweep = () => this.reap();
    registration.hasListeners = () => shards.size > 0 || this.runs.size > 0;
    for (const { feeds } of shards.all) feeds.onNeeded = () => registration.wake();
  }

  private async execute(command: NodeCommand): Promise<CommandResult> {
    if (command.type !== 'stop-run') return executeCommand(this.clients, this.id, command);
    const ended = await this.runs.stopHere(command.run);
    return { connections: ended ? 1 : 0, refused: [] };
  }

  private createShards(): Shards {
    const { options, counters, heartbeat, state } = this;
    const map = new ShardMap(options.shards);
    const ring = new EventRing(RECENT_BYTES);
    const parts = {
      options,
      isState: this.definitions.isState,
      longestTtl: this.definitions.longestTtl(options.ttl),
      counters,
      heartbeat,
      ring,
      createGroup: () => new SocketGroup(),
      lifecycle: state,
    };
    const create = (place?: ShardPlace) => new Shard(this.createBroker(place), parts);
    const home = create();
    const all =
      map.count === 1 ? [home] : Array.from({ length: map.count }, (_, index) => create({ index, map }));
    return new Shards(map, home, all, heartbeat);
  }

  private createBroker(place: ShardPlace | undefined): MemoryBroker | RedisBroker {
    const { options, id } = this;
    const { isState } = this.definitions;
    if (options.redis === undefined) return new MemoryBroker(options, id, place, isState);
    return new RedisBroker(options.redis, options, id, place, isState);
  }

  async start(): Promise<void> {
    const { home, all } = this.shards;
    await this.definitions.load();
    this.warnOfRefusals();
    this.checkNotClosed();
    try {
      // The first that fails, or refuses the settings, says why; the others are closed.
      this.logBroker(await home.start(this.createHooks()));
      const message = (text: string): void => this.nodeRpc.receive(text);
      const hooks = { announcing: () => this.checkLease(), message };
      await Promise.all(all.filter((shard) => shard !== home).map((shard) => shard.start(hooks)));
    } catch (error) {
      await Promise.all(all.map(({ broker }) => broker.close()));
      this.checkNotClosed();
      throw error;
    }
    this.checkNotClosed();
    this.state.start();
    // Losses that it does not know by then it learns later, and sends gaps to the clients that have come.
    await withinTime(Promise.all(all.map((shard) => shard.learnLosses())), this.options.connectTimeout);
    this.checkNotClosed();
    try {
      await this.registration.start();
    } catch (error) {
      this.checkNotClosed();
      await this.stopHub();
      throw error;
    }
    this.checkNotClosed();
  }

  /** @throws HubClosedError where the application was closed while it started */
  private checkNotClosed(): void {
    if (this.state.isClosed) this.state.check();
  }

  private warnOfRefusals(): void {
    const { withoutRules, haveRules } = this.definitions;
    if (this.options.authorize !== undefined || !haveRules || withoutRules.length === 0) return;
    const patterns = withoutRules.map((pattern) => JSON.stringify(pattern)).join(', ');
    this.logger.warn(
      `Nobody may stream ${patterns}: other channel definitions have authorize, and these have none. Give them one, or set the authorize option.`,
    );
  }

  private logBroker(description: string): void {
    const isAlone = this.options.redis === undefined && process.env['NODE_ENV'] === 'production';
    const advice = isAlone ? ' Events do not reach other processes: set the redis option.' : '';
    this.logger[isAlone ? 'warn' : 'log'](`Hub ${this.id} uses ${description}.${advice}`);
  }

  /** Ends runs and pipes, and hands the clients over. */
  async drain(): Promise<void> {
    const { drainTimeout, drainRuns } = this.options;
    this.clients.sendNewcomersAway();
    await this.runs.settle(drainRuns);
    const began = performance.now();
    const timeLeft = (part: number): number => Math.max(0, drainTimeout * part - (performance.now() - began));
    // Pipes first, so that the clients of this node, too, are sent why their stream ends.
    const ends = await Promise.all([
      this.pipes.interrupt(timeLeft(PIPES_PART)),
      this.runs.interrupt(timeLeft(PIPES_PART)),
    ]);
    await this.shards.waitFor(ends.flat(), timeLeft(PIPES_PART));
    this.state.handOver();
    await this.clients.handOver(timeLeft(1));
    // Where the server fails to close, Nest calls no hook any more and ends the process: its clients would stay registered.
    await this.registration.settle();
  }

  async stop(): Promise<void> {
    await this.registration.stop();
    await this.stopHub();
  }

  private async stopHub(): Promise<void> {
    const wasStarted = this.state.isStarted;
    this.state.close();
    this.heartbeat.stop();
    this.clients.stop();
    await Promise.all(this.shards.all.map((shard) => shard.stop(wasStarted)));
  }

  /** Closes connections whose sockets are gone, and forgets losses that no client can ask for any more. */
  private reap(): void {
    this.clients.closedSockets.look();
    for (const { lost } of this.shards.all) lost.forget();
  }

  /** Other nodes took this one for dead (it was paused, say), and did not wait for it when rights were revoked. */
  private checkLease(): void {
    const { clients } = this;
    if (clients.isAuthorized && Date.now() > this.registration.leaseUntil) clients.suspendDelivery();
  }

  /** For the shard over which other nodes reach this one. */
  private createHooks(): ShardHooks {
    const { clients, registration } = this;
    return {
      announcing: () => this.checkLease(),
      proofDue: () => registration.proveLink(),
      message: (text) => this.nodeRpc.receive(text),
      // Rights may be revoked unheard, of channels of other shards, too.
      linkLost: () => {
        registration.linkLost();
        if (this.shards.all.length > 1 && clients.isAuthorized) clients.suspendDelivery();
      },
      linkRestored: () => {
        registration.linkRestored();
        clients.linkRestored();
      },
    };
  }
}
