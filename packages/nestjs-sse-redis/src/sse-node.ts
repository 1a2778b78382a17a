import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Observable } from 'rxjs';
import type { Broker, BrokerListener } from './broker/broker.interface.js';
import { MemoryBroker } from './broker/memory/memory-broker.js';
import { RedisBroker } from './broker/redis/redis-broker.js';
import { withinTime } from './util/within-time.js';
import { ClientConnections } from './clients/client-connections.js';
import { LimitPeersByRpc } from './control/limit-peers.js';
import { executeCommand } from './control/command-executor.js';
import { ConnectionControl } from './control/connection-control.js';
import { NodeRpc } from './control/node-rpc.js';
import { Feeds } from './delivery/feeds.js';
import { Heartbeat } from './delivery/heartbeat.js';
import { HubCounters } from './delivery/hub-counters.js';
import { LogReader } from './delivery/log-reader.js';
import { LOSS_EVENTS } from './delivery/losses/loss-log.js';
import { LossWatch } from './delivery/losses/loss-watch.js';
import { LOSSES_CHANNEL } from './delivery/losses/loss.js';
import { KnownLosses } from './delivery/losses/known-losses.js';
import { observeChannel, type ObserveOptions } from './delivery/observe-channel.js';
import { Subscribers } from './delivery/subscribers.js';
import type { Position } from './event/position.js';
import type { SseEvent } from './event/sse-event.js';
import { HubState } from './hub/hub-state.js';
import type { HubParts } from './hub/hub-parts.js';
import { SseHub } from './hub/sse-hub.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import { Pipes } from './publish/pipes.js';
import { Publisher } from './publish/publisher.js';
import { NodeRegistration } from './registry/node-registration.js';
import { SocketGroup } from './response/socket-group.js';
import { SseRegistry } from './registry/sse-registry.js';

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
  readonly broker: Broker;
  readonly registration: NodeRegistration;
  readonly feeds: Feeds;
  private readonly heartbeat: Heartbeat;
  private readonly lost: KnownLosses;
  readonly subscribers: Subscribers;
  private readonly lossWatch: LossWatch;
  readonly clients: ClientConnections;
  private readonly nodeRpc: NodeRpc;
  readonly pipes: Pipes;
  readonly publisher: Publisher;
  readonly control: ConnectionControl;

  constructor(readonly options: ResolvedOptions) {
    const { id, counters, state } = this;
    const broker = createBroker(options, id);
    this.broker = broker;
    const description = { id, host: hostname(), pid: process.pid };
    this.registration = new NodeRegistration(description, broker.registry, options);
    this.feeds = new Feeds(broker, counters, () => new SocketGroup());
    this.heartbeat = new Heartbeat(options.heartbeatInterval);
    this.lost = new KnownLosses(options.ttl);
    const reader = new LogReader(broker);
    this.subscribers = new Subscribers(broker, this.feeds, reader, this.heartbeat, counters, this.lost);
    this.lossWatch = this.createLossWatch();
    this.clients = new ClientConnections(id, this.subscribers, this.registration, options, counters);
    this.nodeRpc = new NodeRpc(id, broker, this.registration, (command) =>
      executeCommand(this.clients, id, command),
    );
    this.clients.peers = new LimitPeersByRpc(this.nodeRpc);
    this.publisher = new Publisher(broker, options, counters, () => state.check());
    this.pipes = new Pipes(this.publisher);
    this.control = new ConnectionControl(this.nodeRpc, this.registration, options.channelsPerConnection);
    this.hub = new SseHub(this);
    this.registry = new SseRegistry(broker.registry, this.registration, (channel) =>
      this.observe(channel, {}),
    );
    this.registration.onRenewed = () => this.clients.resumeDelivery();
    this.registration.onSweep = () => this.reap();
    this.registration.hasListeners = () => this.feeds.size > 0;
    this.feeds.onReleased = (channel, newest) =>
      this.publisher.acknowledged.note(channel, newest, this.feeds.lines.lineOf(newest));
    this.feeds.onNeeded = () => this.registration.wake();
  }

  async start(): Promise<void> {
    this.feeds.link.up = true;
    this.logBroker(await this.broker.start(this.createListener()));
    // Of what came before nobody here has heard another line.
    this.feeds.lines.restored(this.broker.line);
    this.state.start();
    // Losses that it does not know by then it learns later, and sends gaps to the clients that have come.
    await withinTime(this.lossWatch.start(), this.options.connectTimeout);
    try {
      await this.registration.start();
    } catch (error) {
      await this.stopHub();
      throw error;
    }
  }

  private logBroker(description: string): void {
    const isAlone = this.options.redis === undefined && process.env['NODE_ENV'] === 'production';
    const advice = isAlone ? ' Events do not reach other processes: set the redis option.' : '';
    this.logger[isAlone ? 'warn' : 'log'](`Hub ${this.id} uses ${description}.${advice}`);
  }

  /** Ends running pipes, and hands the clients over. */
  async drain(): Promise<void> {
    const began = performance.now();
    const { drainTimeout } = this.options;
    this.clients.sendNewcomersAway();
    const timeLeft = (part: number): number => Math.max(0, drainTimeout * part - (performance.now() - began));
    // Pipes first, so that the clients of this node, too, are sent why their stream ends.
    const ends = await this.pipes.interrupt(timeLeft(PIPES_PART));
    await this.feeds.waitFor(ends, timeLeft(PIPES_PART));
    await this.clients.handOver(timeLeft(1));
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
    this.subscribers.stop();
    if (wasStarted) await this.lossWatch.stop();
    await this.broker.close();
  }

  /** Closes connections whose sockets are gone, and forgets losses that no client can ask for any more. */
  private reap(): void {
    this.clients.reap();
    this.lost.forget();
  }

  private createListener(): BrokerListener {
    const { clients, feeds, subscribers } = this;
    return {
      announced: (channel, record) => {
        // Other nodes took this one for dead (it was paused, say), and did not wait for it when rights were revoked.
        if (clients.isAuthorized && Date.now() > this.registration.leaseUntil) clients.suspendDelivery();
        feeds.announced(channel, record);
      },
      watermark: (position, lastEvent) => feeds.watermark(position, lastEvent),
      proofDue: () => this.registration.proveLink(),
      message: (text) => this.nodeRpc.receive(text),
      linkLost: () => {
        subscribers.linkLost();
        feeds.linkLost();
      },
      linkRestored: (position, line) => {
        const forkedAt = feeds.linkRestored(position, line);
        this.registration.recount();
        clients.linkRestored();
        const lost = forkedAt === undefined ? undefined : this.findLost(forkedAt);
        // Announcements and answers may have come before this position, and be about later ones.
        subscribers.linkRestored(feeds.link.lastAssigned, forkedAt);
        if (lost) this.lossWatch.failedOver(forkedAt!, lost);
      },
    };
  }

  /** The newest event of each channel that this process heard, or had acknowledged, and that the data of now lack. */
  private findLost(forkedAt: Position): Map<string, Position> {
    const lost = this.publisher.acknowledged.takeLost(this.broker.line.forks);
    for (const feed of this.feeds.all()) {
      feed.newestBefore = Math.max(feed.newestBefore, lost.get(feed.channel) ?? 0);
      if (feed.newestBefore > forkedAt) lost.set(feed.channel, feed.newestBefore);
    }
    return lost;
  }

  private createLossWatch(): LossWatch {
    const { broker, feeds, subscribers, lost, counters, options } = this;
    return new LossWatch({
      broker,
      feeds,
      subscribers,
      lost,
      counters,
      auditInterval: options.auditInterval,
      // The hub's own deliveries do not count.
      listen: (onLive) =>
        this.observe(LOSSES_CHANNEL, {
          rewind: Math.max(options.maxLength, LOSS_EVENTS),
          counters: new HubCounters(),
          onLive,
        }),
    });
  }

  private observe(channel: string, options: ObserveOptions): Observable<SseEvent> {
    return observeChannel(this.subscribers, channel, options, this.state);
  }
}

function createBroker(options: ResolvedOptions, nodeId: string): Broker {
  return options.redis === undefined
    ? new MemoryBroker(options, nodeId)
    : new RedisBroker(options.redis, options, nodeId);
}
