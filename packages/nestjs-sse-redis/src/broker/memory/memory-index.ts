/** Ids of connections by something that several may have in common. */
export class MemoryIndex {
  private readonly sets = new Map<string, Set<string>>();

  add(of: string | undefined, id: string): void {
    if (of === undefined) return;
    const set = this.sets.get(of);
    if (set) set.add(id);
    else this.sets.set(of, new Set([id]));
  }

  delete(of: string | undefined, id: string): void {
    if (of === undefined) return;
    const set = this.sets.get(of);
    if (set?.delete(id) && set.size === 0) this.sets.delete(of);
  }

  count(of: string): number {
    return this.sets.get(of)?.size ?? 0;
  }

  ids(of: string): Iterable<string> {
    return this.sets.get(of) ?? [];
  }
}
