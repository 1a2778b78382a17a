import { Logger } from '../../util/logger.js';
import { UnexpectedReplyError } from '../../errors/unexpected-reply.error.js';
import { parseRecord, type EventRecord } from '../../event/event-record.js';
import type { Position } from '../../event/position.js';
import type { ResolvedOptions } from '../../options/resolved-options.js';
import type {
  Broker,
  BrokerListener,
  DataLine,
  LogExtent,
  LogRange,
  LogSlice,
  Publication,
  PublishOutcome,
  ReadLimits,
  ReadRequest,
} from '../broker.interface.js';
import { NO_STATE, type IsState } from '../broker.interface.js';
import type { ShardPlace } from '../shard-place.interface.js';
import { toUnsupported } from './command-check.js';
import { Commands } from './commands.js';
import { Connections } from './connections.js';
import { Keys } from './keys.js';
import { NewLink } from './new-link.js';
import { Outage } from './outage.js';
import { Probe } from './probe.js';
import { PublishQueue } from './publish-queue.js';
import { RedisLogs } from './redis-logs.js';
import { RedisRegistryStore } from './redis-registry-store.js';
import { RedisRunStore } from './redis-run-store.js';
import { RedisSettings } from './redis-settings.js';
import { Script } from './script.js';
import sendLua from './scripts/send.lua.js';
import { isReplyError, subscriptionsEnded, toRefusal } from './refusals.js';
import { noteShards } from './shards-check.js';
import { checkStart } from './start-check.js';
import { Subscription } from './subscription.js';
import { untilAccepted, waitUpTo } from './until-accepted.js';

const SEND = new Script(sendLua);

/** How long commands that were sent may take to be answered before their connection is given up. */
const ANSWERED_WITHIN_MS = 200;

/** The broker for production: logs are Redis streams, announcements pub/sub messages. */
export class RedisBroker implements Broker {
  private readonly logger = new Logger('SseRedisBroker');
  private readonly settings: RedisSettings;
  private readonly keys: Keys;
  readonly registry: RedisRegistryStore;
  readonly runs: RedisRunStore;
  private readonly probeChannel: string;
  private readonly inbox: string;
  private readonly connections: Connections;
  private readonly outage: Outage;
  private readonly commands: Commands;
  private readonly publishing: PublishQueue;
  private readonly logs: RedisLogs;
  private readonly subscription: Subscription;
  private readonly probe: Probe;
  private readonly newLink: NewLink;
  private listener: BrokerListener | undefined;
  /** How often the link was lost. */
  private losses = 0;
  private isStarted = false;
  private isLinkUp = true;
  /** The position at the last probe that came back. */
  private watermark: Position = 0;

  constructor(
    redis: NonNullable<ResolvedOptions['redis']>,
    private readonly options: ResolvedOptions,
    nodeId: string,
    private readonly place?: ShardPlace,
    isState: IsState = NO_STATE,
  ) {
    this.settings = new RedisSettings(redis, options, place);
    this.keys = new Keys(this.settings.prefix, this.settings.db);
    this.probeChannel = this.keys.probe(nodeId);
    this.inbox = this.keys.inbox(nodeId);
    this.connections = new Connections(this.settings, (cause) => this.outage.moved(cause));
    this.connections.onFailed((error) => this.isStarted && this.outage.failed(error));
    const { address, rights, cluster } = this.settings;
    this.outage = new Outage(address, () => this.reconnect());
    this.commands = new Commands(
      this.connections.command,
      address,
      rights,
      this.outage,
      options.publishTimeout,
      cluster !== undefined,
      place?.index,
    );
    this.publishing = new PublishQueue(this.commands, this.keys, options);
    this.logs = new RedisLogs(this.commands, this.keys, options, isState);
    this.probe = this.createProbe();
    this.registry = new RedisRegistryStore(this.commands, this.keys, options, this.probe);
    this.runs = new RedisRunStore(this.commands, this.keys, options);
    this.subscription = this.createSubscription();
    this.newLink = new NewLink(() => this.sendProbe(), this.commands, cluster !== undefined);
  }

  private createSubscription(): Subscription {
    const listener = {
      message: (name: Buffer, message: Buffer) => this.receive(name, message),
      lost: () => this.onLost(),
      restored: () => void this.onRestored(),
      moved: () => this.outage.refused(subscriptionsEnded(this.settings.address)),
      failed: (cause: unknown) => this.onRefused(cause),
    };
    return new Subscription(this.connections.subscriber, listener, this.settings.cluster !== undefined);
  }

  private createProbe(): Probe {
    const listener = {
      due: () => this.onProofDue(),
      proven: (position: Position, lastEvent: Position) => this.onProven(position, lastEvent),
      deaf: () => this.subscription.reconnect(),
    };
    return new Probe(listener, this.probeChannel, this.options.probeInterval);
  }

  readonly positionBefore: Broker['positionBefore'] = (...args) => this.logs.positionBefore(...args);
  readonly checkWrites: Broker['checkWrites'] = () => this.logs.checkWrites();
  readonly lastPositions: Broker['lastPositions'] = (...args) => this.logs.lastPositions(...args);
  readonly position: Broker['position'] = () => this.logs.position();
  readonly renewLink: Broker['renewLink'] = () => this.subscription.reconnect();
  readonly pause: Broker['pause'] = (...args) => this.commands.pause(...args);
  readonly logStarts: Broker['logStarts'] = (...args) => this.logs.logStarts(...args);

  async start(listener: BrokerListener): Promise<string> {
    this.listener = listener;
    const mayWait = waitUpTo(this.settings.patience, () => this.listener !== undefined);
    let server: string;
    try {
      await this.connections.connect(this.options.connectTimeout);
      const { settings, commands, keys, options, place } = this;
      const { command: redis } = this.connections;
      const manner = { isQuiet: place !== undefined, mayWait };
      server = await checkStart({ redis, settings, commands, keys, options, place, ...manner });
      await untilAccepted(() => this.subscription.start([this.probeChannel, this.inbox]), mayWait);
      // The clock follows the time only as positions are given out: a node that starts after a quiet night renews it.
      await untilAccepted(() => this.sendProbe(), mayWait);
    } catch (error) {
      await this.close();
      throw toUnsupported(error, this.settings.address, this.settings.cluster !== undefined);
    }
    this.probe.start();
    this.connections.startWatch();
    this.isStarted = true;
    this.outage.begin();
    this.connections.command.on('close', () => {
      if (this.listener) this.outage.lost();
    });
    // The subscription says itself when it is back.
    this.connections.command.on('ready', () => {
      if (this.isLinkUp && !this.outage.isReconnecting) this.outage.over();
    });
    return `${server} at ${this.settings.address}, prefix ${JSON.stringify(this.settings.prefix)}`;
  }

  publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    return this.publishing.publish(publications);
  }

  read(requests: readonly ReadRequest[], limits: ReadLimits): Promise<LogSlice[]> {
    return this.logs.read(requests, limits);
  }

  extents(ranges: readonly LogRange[]): Promise<(LogExtent | undefined)[]> {
    return this.logs.extents(ranges);
  }

  async subscribe(channel: string): Promise<Position> {
    await this.subscription.add(this.keys.pubSubChannel(channel));
    return this.position();
  }

  unsubscribe(channel: string): void {
    this.subscription.remove(this.keys.pubSubChannel(channel));
  }

  send(node: string, message: string): Promise<number> {
    return this.commands.read(SEND, { keys: [this.keys.inbox(node)], args: [message] }) as Promise<number>;
  }

  get line(): DataLine {
    return this.commands.line;
  }

  get linkProblem(): string | undefined {
    return this.outage.problem;
  }

  async close(): Promise<void> {
    this.probe.stop();
    this.connections.stopWatch();
    this.outage.stop();
    this.publishing.stop();
    this.listener = undefined;
    await this.subscription.close();
    this.connections.command.disconnect();
  }

  /** Through the same script and the same subscription as every event, so that its coming back proves theirs. */
  private sendProbe(): Promise<Position> {
    return this.publishing.announce(this.probeChannel, '\n');
  }

  private receive(name: Buffer, message: Buffer): void {
    try {
      const channel = this.keys.channelFromPubSub(name);
      if (channel === undefined && name.toString() !== this.probeChannel)
        return this.listener?.message(message.toString());
      const record = this.newLink.recordOf(message);
      // A master that was replaced is heard, or its successor: a new link is of one line.
      if (!record) this.subscription.reconnect();
      else if (channel === undefined) this.onProbe(parseRecord(record), this.newLink.lineOf(message));
      else {
        const event = parseRecord(record);
        this.probe.heard = event.position;
        this.listener?.announced(channel, event);
      }
    } catch (error) {
      if (!(error instanceof UnexpectedReplyError)) throw error;
      this.logger.warn(error.message);
    }
  }

  private onProbe({ position, prev, first }: EventRecord, line: string): void {
    if (!this.isLinkUp) return this.newLink.heard(position, line);
    if (!this.newLink.begin(line)) return this.subscription.reconnect();
    this.probe.returned();
    // `prev` of a probe that went alone is of its own channel, which has no log.
    this.onProven(position, first ? undefined : prev);
  }

  private onProofDue(): void {
    this.listener?.proofDue?.();
    this.probe.sendWith(() => this.sendProbe());
  }

  private onProven(position: Position, lastEvent: Position | undefined): void {
    this.outage.over();
    if (position < this.watermark) {
      // Redis lost its data and its clock went back: nothing new would pass for new. Begin again from what it has.
      this.logger.warn('Positions in Redis went back: subscribing anew.');
      this.watermark = 0;
      this.subscription.reconnect();
      return;
    }
    this.watermark = position;
    this.listener?.watermark(position, lastEvent);
  }

  private onLost(): void {
    this.losses++;
    this.isLinkUp = false;
    this.newLink.lost();
    this.probe.stop();
    this.outage.lost();
    this.listener?.linkLost();
  }

  private onRefused(cause: unknown): Error {
    if (!isReplyError(cause)) return this.outage.unavailable(cause);
    const error = toRefusal(cause as Error, this.settings.address, this.settings.rights, ' a subscription');
    if (this.isStarted) this.outage.failed(error);
    this.outage.refused(error);
    return error;
  }

  private async reconnect(): Promise<void> {
    await this.commands.leave(ANSWERED_WITHIN_MS, async () => {
      if (!this.listener) return;
      const closed = this.connections.leave(this.outage.cause);
      this.subscription.reconnect();
      await closed;
    });
  }

  /** Every channel is acknowledged: from a position taken now on, nothing is missed. */
  private async onRestored(): Promise<void> {
    const { losses } = this;
    const isCurrent = () => this.listener !== undefined && losses === this.losses;
    const position = await this.newLink.prove(isCurrent);
    // Lost again meanwhile: then the position says nothing about the link that comes next.
    if (position === undefined) return;
    if (typeof position === 'string') return this.outage.moved(position);
    this.watermark = 0;
    this.isLinkUp = true;
    this.outage.over();
    this.probe.start();
    this.listener?.linkRestored(position, this.line);
    this.commands.endPauses();
    if (this.place === undefined)
      noteShards(this.commands, this.keys.clock, this.options.shards, this.logger);
  }
}
