import { Redis } from 'ioredis';

/**
 * For servers that know nothing of Redis: one `SUBSCRIBE` a channel, however many are on it, and who they are.
 */
export class ChannelMembers<Member> {
  private readonly members = new Map<string, Set<Member>>();
  private readonly redis: Redis;

  constructor(redisUrl: string, deliver: (members: ReadonlySet<Member>, message: Buffer) => void) {
    this.redis = new Redis(redisUrl);
    this.redis.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      const members = this.members.get(channel.toString('latin1'));
      if (members) deliver(members, message);
    });
  }

  add(channels: readonly string[], member: Member): void {
    for (const channel of channels) {
      const members = this.members.get(channel);
      if (members) members.add(member);
      else {
        this.members.set(channel, new Set([member]));
        void this.redis.subscribe(channel);
      }
    }
  }

  remove(channels: readonly string[], member: Member): void {
    for (const channel of channels) {
      const members = this.members.get(channel);
      members?.delete(member);
      if (members?.size === 0) {
        this.members.delete(channel);
        void this.redis.unsubscribe(channel);
      }
    }
  }
}
