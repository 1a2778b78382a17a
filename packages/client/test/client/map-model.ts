import type { Random } from '@nestjs-sse-redis/testing';
import type { SseHub } from 'nestjs-sse-redis';

/** A board as the application has it, which changes at random. */
export class MapModel {
  /** A key that is never removed. */
  static readonly ANCHOR = 'anchor';
  private readonly map = new Map<string, number>();
  private value = 0;

  /** @param maxKeys of the channel's definition */
  constructor(
    private readonly channel: Parameters<SseHub['remove']>[0],
    private readonly maxKeys: number,
  ) {}

  get name(): string {
    return String(this.channel);
  }

  /** Often enough a key is removed for removals to be forgotten. */
  async change(hub: SseHub, random: Random): Promise<void> {
    const key = `k${random.int(this.maxKeys * 4)}`;
    if (random.chance(0.3) || (this.isFull && !this.map.has(key))) {
      const removable = [...this.map.keys()].filter((one) => one !== MapModel.ANCHOR);
      if (removable.length > 0) await this.remove(hub, random.pick(removable));
    } else await this.put(hub, key);
  }

  async put(hub: SseHub, key: string): Promise<void> {
    const [first] = this.map.keys();
    if (this.isFull && !this.map.has(key))
      await this.remove(hub, first === MapModel.ANCHOR ? [...this.map.keys()][1]! : first!);
    this.map.set(key, ++this.value);
    await hub.publish(this.name, { type: 'put', data: { value: this.value } }, { key });
  }

  async remove(hub: SseHub, key: string): Promise<void> {
    this.map.delete(key);
    await hub.remove(this.channel, key);
  }

  isEqual(map: ReadonlyMap<string, { readonly data: unknown }>): boolean {
    return (
      map.size === this.map.size &&
      [...this.map].every(
        ([key, value]) => (map.get(key)?.data as { value: number } | undefined)?.value === value,
      )
    );
  }

  private get isFull(): boolean {
    return this.map.size >= this.maxKeys;
  }
}
