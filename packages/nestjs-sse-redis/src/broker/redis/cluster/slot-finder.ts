import type { RedisOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerAddress } from '../../../options/redis-cluster-options.interface.js';
import { isReplyError } from '../refusals.js';
import type { ClusterSettings } from './cluster-settings.js';
import { NodeAsker, type Testimony } from './node-asker.js';
import { isSameNode, type SlotOwner } from './slot-table.js';

/** How many nodes are asked at once: one may be stale, or alone on its side of a partition. */
const ASKED_AT_ONCE = 3;
/** How many are asked before the search fails; the next one asks others. In an outage, every process searches twice a second. */
const MOST_ASKED = 12;
/** How long other nodes are waited for after the first answer. */
const GRACE_MS = 200;

/** A testimony that names an owner. */
type Claim = Testimony & { readonly owner: SlotOwner };

/** What some nodes say, and why others said nothing. */
interface Answers {
  readonly testimonies: Testimony[];
  readonly failures: unknown[];
}

/**
 * Finds the master that has the slot of a key.
 *
 * The `Cluster` of ioredis 6.0 is not used: it sends a command again that may have been run, and does not say when a subscription
 * stands. In a failover nodes contradict one another for a while: the claim with the greatest epoch counts, as among the nodes.
 */
export class SlotFinder {
  private readonly asker: NodeAsker;
  /** Nodes that were heard of, the most likely to know first. */
  private known: readonly ServerAddress[] = [];
  /** A node that is likely to know of a change before others do. */
  private hint: ServerAddress | undefined;
  private search: Promise<SlotOwner> | undefined;
  private isClosed = false;

  /** @param key of the hub: all its keys are in one slot */
  constructor(
    private readonly settings: ClusterSettings,
    private readonly key: string,
  ) {
    this.asker = new NodeAsker(settings, key);
  }

  /** A node that is to be asked first, as a refusal tells of it. */
  askFirst(node: ServerAddress): void {
    this.hint = this.asker.translate(node);
  }

  /**
   * The owner now. What is asked for meanwhile is answered with it.
   *
   * @param options of a connection, with user, password and TLS as they are now
   * @throws Error if no node answers, or nobody has the slot
   */
  find(options: RedisOptions): Promise<SlotOwner> {
    this.search ??= this.ask(options).finally(() => (this.search = undefined));
    return this.search;
  }

  /** Ends a search; none begins any more. */
  close(): void {
    this.isClosed = true;
    this.asker.close();
  }

  private async ask(options: RedisOptions): Promise<SlotOwner> {
    const failures: unknown[] = [];
    const candidates = await this.candidates(failures);
    let answered = 0;
    for (let start = 0; start < candidates.length && !this.isClosed; start += ASKED_AT_ONCE) {
      const asked = candidates.slice(start, start + ASKED_AT_ONCE);
      const answers = await this.askSome(asked, options);
      const claim = findNewest(answers.testimonies.filter((one): one is Claim => one.owner !== undefined));
      if (claim) {
        this.learn(claim);
        return claim.owner;
      }
      answered += answers.testimonies.length;
      failures.push(...answers.failures);
    }
    throw this.explain(failures, answered);
  }

  /** Whatever is said until soon after the first answer: one that hangs holds up nobody. */
  private async askSome(nodes: readonly ServerAddress[], options: RedisOptions): Promise<Answers> {
    const answers: Answers = { testimonies: [], failures: [] };
    const asked = nodes.map((node) => this.asker.ask(node, options));
    const all = asked.map((answer) =>
      answer.then(
        (testimony) => answers.testimonies.push(testimony),
        (error: unknown) => answers.failures.push(error),
      ),
    );
    const soon = Promise.any(asked).then(
      () => delay(GRACE_MS, undefined, { ref: false }),
      () => undefined,
    );
    await Promise.race([Promise.all(all), soon]);
    return answers;
  }

  private learn({ owner, nodes }: Claim): void {
    this.hint = undefined;
    this.known = unique([owner, ...nodes]);
  }

  /** A server that refuses says more than one that is away: another password is needed then, not patience. */
  private explain(failures: readonly unknown[], answered: number): unknown {
    const refusal = failures.find(isReplyError);
    if (refusal) return refusal;
    if (answered > 0) return new Error(`no node of the cluster has the slot of ${this.key}`);
    return failures[0] ?? new Error('Connection is closed.');
  }

  /** The likely ones first, then others in an order of its own, so that no node is asked by everybody. */
  private async candidates(failures: unknown[]): Promise<ServerAddress[]> {
    const seeds = await this.settings.resolveSeeds().catch((error: unknown) => {
      failures.push(error);
      return [];
    });
    const likely = [this.hint, this.known[0] ?? seeds[0]].filter((node) => node !== undefined);
    // The addresses of all nodes may have changed, and the names of the seeds lead to the new ones.
    return unique([...likely, ...shuffle(unique([...this.known, ...seeds]))]).slice(0, MOST_ASKED);
  }
}

/** The claim with the greatest epoch; where hosts tell no epochs, that of the most nodes. */
function findNewest(claims: readonly Claim[]): Claim | undefined {
  const countVotes = (one: Claim) => claims.filter(({ owner }) => isSameNode(owner, one.owner)).length;
  let newest = claims[0];
  for (const one of claims.slice(1)) {
    const isNewer = one.owner.epoch - newest!.owner.epoch || countVotes(one) - countVotes(newest!);
    if (isNewer > 0) newest = one;
  }
  return newest;
}

function unique(nodes: readonly ServerAddress[]): ServerAddress[] {
  return [...new Map(nodes.map((node) => [nameOf(node), node])).values()];
}

function nameOf({ host, port }: ServerAddress): string {
  return `${host}:${port}`;
}

/** Fisher and Yates' shuffle. */
function shuffle<T>(list: readonly T[]): T[] {
  const shuffled = [...list];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}
