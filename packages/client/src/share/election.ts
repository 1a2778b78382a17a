import type { ShareNames } from './share-names.js';

/** ms for which a successor keeps others from taking the stream from it: it has made itself known by then. */
const SUCCESSION = 1_500;

export interface ElectionListener {
  /** The stream is this candidate's. */
  onElected(): void;
  /** Another has taken it, since this one did not answer in time. */
  onDeposed(): void;
}

/** Who has the stream holds a lock. The browser gives it to the next in the queue when its holder is gone. */
export class Election {
  private candidacy: { readonly controller: AbortController; release?: () => void } | undefined;

  constructor(
    private readonly locks: LockManager,
    private readonly names: ShareNames,
    private readonly listener: ElectionListener,
  ) {}

  get leads(): boolean {
    return this.candidacy?.release !== undefined;
  }

  /** Queues. */
  stand(): void {
    if (this.candidacy) return;
    const { signal } = (this.candidacy = { controller: new AbortController() }).controller;
    this.request({ signal });
  }

  /**
   * Takes the stream from its holder. Of several candidates that try at once, one does.
   *
   * @param isStillSilent asked once no other is about to take it
   */
  async succeed(isStillSilent: () => boolean): Promise<void> {
    await this.locks.request(this.names.succession, { ifAvailable: true }, async (lock) => {
      if (!lock || this.leads || !isStillSilent()) return;
      this.withdraw();
      this.candidacy = { controller: new AbortController() };
      this.request({ steal: true });
      await new Promise((resolve) => setTimeout(resolve, SUCCESSION));
    });
  }

  /** Gives the stream, or the place in the queue, back. */
  withdraw(): void {
    const { candidacy } = this;
    this.candidacy = undefined;
    candidacy?.controller.abort();
    candidacy?.release?.();
  }

  private request(options: LockOptions): void {
    const candidacy = this.candidacy!;
    this.locks
      .request(this.names.leader, options, () => {
        if (this.candidacy !== candidacy) return undefined;
        const held = new Promise<void>((resolve) => (candidacy.release = resolve));
        this.listener.onElected();
        return held;
      })
      .catch(() => {
        // Withdrawn; or stolen, which a frozen page is told of when it is thawed.
        if (this.candidacy !== candidacy) return;
        this.candidacy = undefined;
        // Else the browser denies the lock, and would deny it again at once, for ever.
        if (candidacy.release) this.listener.onDeposed();
      });
  }
}
