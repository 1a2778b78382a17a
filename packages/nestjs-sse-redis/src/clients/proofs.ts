import type { LimitScope } from './limit-scope.js';

/** No second proof of the same connections begins earlier after the last one. */
const SPACING_MS = 1_000;
/** Proofs at once. Each asks all processes. */
const MOST = 64;

interface Proof {
  readonly result: Promise<readonly string[]>;
  endedAt: number | undefined;
}

/** Proofs that the connections of users or addresses are alive: one at a time for each, shared by all that wait for it. */
export class Proofs {
  private readonly proofs = new Map<string, Proof>();

  /** @param prove closes the connections that are gone, and returns their ids */
  constructor(private readonly prove: (scope: LimitScope) => Promise<readonly string[]>) {}

  /** @returns the connections that were found gone, and closed; none where too many proofs are running */
  async run(scope: LimitScope): Promise<readonly string[]> {
    const key = 'user' in scope ? `u${scope.user}` : `a${scope.address}`;
    const last = this.proofs.get(key);
    if (last && (last.endedAt === undefined || performance.now() - last.endedAt < SPACING_MS))
      return last.result;
    if (!last && this.proofs.size >= MOST) this.forget();
    if (!last && this.proofs.size >= MOST) return [];
    const proof: Proof = { result: this.prove(scope).catch(() => []), endedAt: undefined };
    this.proofs.set(key, proof);
    const result = await proof.result;
    proof.endedAt = performance.now();
    setTimeout(() => this.forget(), SPACING_MS + 1).unref();
    return result;
  }

  private forget(): void {
    const now = performance.now();
    for (const [key, { endedAt }] of this.proofs) {
      if (endedAt !== undefined && now - endedAt >= SPACING_MS) this.proofs.delete(key);
    }
  }
}
