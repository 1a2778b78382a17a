import type { Random } from '@nestjs-sse-redis/testing';

/** What changes the channel at the server. */
export interface MapWriter {
  put(key: string, data: { readonly value: number }): Promise<unknown>;
  remove(key: string): Promise<unknown>;
}

/** A board as the application has it, which changes at random. */
export class MapModel {
  /** A key that is never removed. */
  static readonly ANCHOR = 'anchor';
  private readonly map = new Map<string, number>();
  private value = 0;

  /** @param maxKeys of the channel's definition */
  constructor(
    readonly name: string,
    private readonly maxKeys: number,
    private readonly writer: MapWriter,
  ) {}

  /** Often enough a key is removed for removals to be forgotten. */
  async change(random: Random): Promise<void> {
    const key = `k${random.int(this.maxKeys * 4)}`;
    const isFull = this.map.size >= this.maxKeys && !this.map.has(key);
    if (!isFull && random.chance(0.7)) return this.put(key);
    const removable = [...this.map.keys()].filter((one) => one !== MapModel.ANCHOR);
    if (removable.length > 0) await this.remove(random.pick(removable));
  }

  async put(key: string): Promise<void> {
    if (this.map.size >= this.maxKeys && !this.map.has(key))
      await this.remove([...this.map.keys()].find((one) => one !== MapModel.ANCHOR)!);
    this.map.set(key, ++this.value);
    await this.writer.put(key, { value: this.value });
  }

  async remove(key: string): Promise<void> {
    this.map.delete(key);
    await this.writer.remove(key);
  }

  /** How a page's map differs, for a message. */
  compare(map: ReadonlyMap<string, { readonly data: unknown; readonly id: string }>): string {
    const of = (key: string) => (map.get(key)?.data as { value: number } | undefined)?.value;
    const wrong = [...new Set([...this.map.keys(), ...map.keys()])].filter(
      (key) => this.map.get(key) !== of(key),
    );
    return wrong
      .map((key) => `${key} is ${of(key)} (${map.get(key)?.id}), not ${this.map.get(key)}`)
      .join('; ');
  }

  isEqual(map: ReadonlyMap<string, { readonly data: unknown }>): boolean {
    return (
      map.size === this.map.size &&
      [...this.map].every(
        ([key, value]) => (map.get(key)?.data as { value: number } | undefined)?.value === value,
      )
    );
  }
}
