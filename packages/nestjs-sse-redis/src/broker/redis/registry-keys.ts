/** The names of what the registry has in Redis, all in the hash tag of its hub. */
export class RegistryKeys {
  readonly nodes: string;
  readonly info: string;
  readonly connections: string;
  readonly all: string;
  readonly users: string;
  readonly channels: string;
  readonly addresses: string;
  readonly lock: string;
  readonly runs: string;

  /** @param hashTag of the hub, with its braces */
  constructor(hashTag: string) {
    // 2: processes of 0.1 had an index for each user and channel, and keep a registry of their own.
    const tag = `${hashTag}:reg2:`;
    this.nodes = `${tag}nodes`;
    this.info = `${tag}node-info`;
    this.connections = `${tag}connections`;
    this.all = `${tag}all`;
    this.users = `${tag}users`;
    this.channels = `${tag}channels`;
    this.addresses = `${tag}addresses`;
    this.lock = `${tag}sweep`;
    this.runs = `${tag}runs`;
  }
}
