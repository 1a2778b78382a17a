import type { ShareNames } from './share-names.js';

/** Tells which tabs live: each holds a lock, and the browser lets go of it when the tab is closed or crashes. */
export class TabLocks {
  private readonly watches = new Map<string, AbortController>();

  constructor(
    private readonly locks: LockManager,
    private readonly names: ShareNames,
    private readonly onGone: (tab: string) => void,
  ) {}

  /** The ids of the tabs that live. */
  async living(): Promise<string[]> {
    const prefix = this.names.tab('');
    const { held = [] } = await this.locks.query();
    return held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  }

  watch(tab: string): void {
    if (this.watches.has(tab)) return;
    const controller = new AbortController();
    this.watches.set(tab, controller);
    const { signal } = controller;
    // The lock is granted when the tab is gone.
    this.locks
      .request(this.names.tab(tab), { signal }, () => {
        if (!signal.aborted) this.onGone(tab);
      })
      .catch(() => undefined); // aborted: nobody wants to know any more
  }

  unwatch(tab: string): void {
    this.watches.get(tab)?.abort();
    this.watches.delete(tab);
  }

  close(): void {
    for (const tab of this.watches.keys()) this.unwatch(tab);
  }
}
