/** The names of what the registry has in Redis, all in the hash tag of its hub. */
export class RegistryKeys {
  /** Begins the names of the indexes by user and by channel. */
  readonly tag: string;
  readonly nodes: string;
  readonly info: string;
  readonly connections: string;
  readonly all: string;
  readonly addresses: string;
  readonly lock: string;

  /** @param hashTag of the hub, with its braces */
  constructor(hashTag: string) {
    this.tag = `${hashTag}:reg:`;
    this.nodes = `${this.tag}nodes`;
    this.info = `${this.tag}node-info`;
    this.connections = `${this.tag}connections`;
    this.all = `${this.tag}all`;
    this.addresses = `${this.tag}addresses`;
    this.lock = `${this.tag}sweep`;
  }

  user(user: string): string {
    return `${this.tag}user:${user}`;
  }

  channel(channel: string): string {
    return `${this.tag}channel:${channel}`;
  }
}
