import type { ShareNames } from './share-names.js';

/** Tells which tabs live: each holds a lock, and the browser lets go of it when the tab is closed or crashes. */
export class TabLocks {
  private readonly watches = new Map<string, AbortController>();

  constructor(
    private readonly locks: LockManager,
    private readonly names: ShareNames,
    private readonly onGone: (tab: string) => void,
  ) {}

  /** @returns the ids of the tabs that live; undefined where the browser does not say */
  async living(): Promise<string[] | undefined> {
    const prefix = this.names.tab('');
    // Firefox refuses it in a frame of another site, where it grants locks.
    const snapshot = await this.locks.query().catch(() => undefined);
    return (
      snapshot &&
      (snapshot.held ?? []).flatMap(({ name }) =>
        name?.startsWith(prefix) ? [name.slice(prefix.length)] : [],
      )
    );
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
