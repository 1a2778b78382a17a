const CHANNEL_KIND = 0x63; // c

/**
 * The names of everything that a hub has in Redis.
 *
 * The prefix is a hash tag, so that in a cluster all of it lies in one slot, which scripts over several keys need.
 */
export class Keys {
  readonly clock: string;
  /** What short-lived logs leave behind. */
  readonly tombstones: string;
  /** The hash tag with which every key begins. */
  readonly tag: string;
  private readonly announcements: string;
  /** Where in the name of an announcement the letter is that tells of what it is. */
  private readonly kindAt: number;

  constructor(
    prefix: string,
    /** The number of the database: pub/sub, unlike keys, is shared by all databases of a Redis. */
    readonly db: number,
  ) {
    this.tag = `{${prefix}}`;
    this.clock = `${this.tag}:clock`;
    this.tombstones = `${this.tag}:tombstones`;
    this.announcements = `${this.tag}:live:${db}:`;
    this.kindAt = Buffer.byteLength(this.announcements);
  }

  log(channel: string): string {
    return `${this.tag}:log:${channel}`;
  }

  /** The log of a state channel, with one entry a key. Of another name, so that a publisher that takes it for a plain one trims nothing. */
  stateLog(channel: string): string {
    return `${this.tag}:map:${channel}`;
  }

  /** Where the entries of a state channel's log are, by their keys. */
  stateKeys(channel: string): string {
    return `${this.tag}:keys:${channel}`;
  }

  run(channel: string): string {
    return `${this.tag}:run:${channel}`;
  }

  idempotency(channel: string, idempotencyKey: string): string {
    // The length keeps the two parts apart, whatever characters they have.
    return `${this.tag}:once:${channel.length}:${channel}:${idempotencyKey}`;
  }

  /** The pub/sub channel on which events of a channel are announced. */
  pubSubChannel(channel: string): string {
    return `${this.announcements}c:${channel}`;
  }

  /** The channel whose events are announced under this name, if it is such a name. Cut off: a map would be one more look-up an event. */
  channelFromPubSub(name: Buffer): string | undefined {
    return name[this.kindAt] === CHANNEL_KIND ? name.toString('utf8', this.kindAt + 2) : undefined;
  }

  /** The pub/sub channel on which a node is sent messages by others. */
  inbox(nodeId: string): string {
    return `${this.announcements}n:${nodeId}`;
  }

  /** The pub/sub channel on which a node hears itself. */
  probe(nodeId: string): string {
    return `${this.announcements}p:${nodeId}`;
  }
}
