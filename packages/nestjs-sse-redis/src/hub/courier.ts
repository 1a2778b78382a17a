import { withinTime } from '../broker/within-time.js';
import type { Broker } from '../broker/broker.interface.js';
import type { Registrar } from './registrar.js';
import type { Ruling, RulingResult } from './ruling.js';

/** How long another process may take to answer. A process that lives answers in milliseconds. */
const ANSWER_TIMEOUT = 2_000;

/** What goes to a node's inbox. */
type Message =
  | { readonly from: string; readonly id: number; readonly ask: Ruling }
  | { readonly id: number; readonly answer: RulingResult };

/** What became of a ruling in all processes that it concerns. */
export interface Outcome {
  readonly results: readonly RulingResult[];
  /** Processes that hear, or seem to, and did not answer in time. */
  readonly silent: readonly string[];
  /** Living processes, by their leases, that do not hear at the moment, or have died. */
  readonly deaf: readonly string[];
}

/** Carries rulings to other processes, and their answers back. */
export class Courier {
  private readonly waiting = new Map<number, (answer: RulingResult) => void>();
  private lastId = 0;

  /** @param execute does here what was asked */
  constructor(
    private readonly nodeId: string,
    private readonly broker: Broker,
    private readonly registrar: Registrar,
    private readonly execute: (ruling: Ruling) => Promise<RulingResult>,
  ) {}

  /** Asks one process. @throws RedisUnavailableError */
  async ask(node: string, ruling: Ruling): Promise<Outcome> {
    const answer = await this.askOne(node, ruling);
    return {
      results: typeof answer === 'string' ? [] : [answer],
      silent: answer === 'silent' ? [node] : [],
      deaf: answer === 'deaf' ? [node] : [],
    };
  }

  /** Asks all that live, this one included. @throws RedisUnavailableError */
  async askAll(ruling: Ruling): Promise<Outcome> {
    const nodes = [...new Set([this.nodeId, ...(await this.registrar.livingNodes())])];
    const outcomes = await Promise.all(nodes.map((node) => this.ask(node, ruling)));
    return {
      results: outcomes.flatMap(({ results }) => results),
      silent: outcomes.flatMap(({ silent }) => silent),
      deaf: outcomes.flatMap(({ deaf }) => deaf),
    };
  }

  /** A message came for this process. */
  receive(text: string): void {
    const message = parse(text);
    if (!message) return;
    if ('answer' in message) this.waiting.get(message.id)?.(message.answer);
    else void this.answer(message.from, message.id, message.ask);
  }

  private async askOne(node: string, ruling: Ruling): Promise<RulingResult | 'silent' | 'deaf'> {
    if (node === this.nodeId) return (await withinTime(this.execute(ruling), ANSWER_TIMEOUT)) ?? 'silent';
    const id = ++this.lastId;
    try {
      const answer = new Promise<RulingResult>((resolve) => this.waiting.set(id, resolve));
      const message: Message = { from: this.nodeId, id, ask: ruling };
      const receivers = await this.broker.send(node, JSON.stringify(message));
      return receivers === 0 ? 'deaf' : ((await withinTime(answer, ANSWER_TIMEOUT)) ?? 'silent');
    } finally {
      this.waiting.delete(id);
    }
  }

  private async answer(to: string, id: number, ruling: Ruling): Promise<void> {
    const message: Message = { id, answer: await this.execute(ruling) };
    // Who asked is told by the time that is up.
    await this.broker.send(to, JSON.stringify(message)).catch(() => undefined);
  }
}

function parse(text: string): Message | undefined {
  try {
    return JSON.parse(text) as Message;
  } catch {
    // Something else writes into this hub's channels. It is not asked to go on.
    return undefined;
  }
}
