import { withinTime } from '../util/within-time.js';
import type { Broker } from '../broker/broker.interface.js';
import type { Registrar } from '../clients/registrar.js';
import type { NodeCommand, CommandResult } from './connection-command.js';

/** How long another process may take to answer. A process that lives answers in milliseconds. */
const ANSWER_TIMEOUT = 2_000;

/** A message for the inbox of a node. */
type Message =
  | { readonly from: string; readonly id: number; readonly ask: NodeCommand }
  | { readonly id: number; readonly answer: CommandResult };

/** The outcome of a command in all processes that it concerns. */
export interface RpcOutcome {
  readonly results: readonly CommandResult[];
  /** Processes that hear, or seem to, and did not answer in time. */
  readonly timedOut: readonly string[];
  /** Living processes, by their leases, that do not hear at the moment, or have died. */
  readonly unreachable: readonly string[];
  /** Processes whose result is an error. */
  readonly failed: readonly string[];
}

/** Carries commands to other processes, and their answers back. */
export class NodeRpc {
  private readonly waiting = new Map<number, (answer: CommandResult) => void>();
  private lastId = 0;

  /** @param execute does here what was asked */
  constructor(
    private readonly nodeId: string,
    private readonly broker: Pick<Broker, 'send'>,
    private readonly registrar: Registrar,
    private readonly execute: (command: NodeCommand) => Promise<CommandResult>,
  ) {}

  /** Asks one process. @throws RedisUnavailableError */
  async request(node: string, command: NodeCommand, timeout = ANSWER_TIMEOUT): Promise<RpcOutcome> {
    const answer = await this.requestOne(node, command, timeout);
    const result = typeof answer === 'string' ? undefined : answer;
    return {
      results: result ? [result] : [],
      timedOut: answer === 'timed-out' ? [node] : [],
      unreachable: answer === 'unreachable' ? [node] : [],
      failed: result?.error ? [node] : [],
    };
  }

  /** Asks all that live, this one included. @throws RedisUnavailableError */
  async requestAll(command: NodeCommand, timeout = ANSWER_TIMEOUT): Promise<RpcOutcome> {
    const nodes = [...new Set([this.nodeId, ...(await this.registrar.liveNodes())])];
    const outcomes = await Promise.all(nodes.map((node) => this.request(node, command, timeout)));
    return {
      results: outcomes.flatMap(({ results }) => results),
      timedOut: outcomes.flatMap(({ timedOut }) => timedOut),
      unreachable: outcomes.flatMap(({ unreachable }) => unreachable),
      failed: outcomes.flatMap(({ failed }) => failed),
    };
  }

  /** A message came for this process. */
  receive(text: string): void {
    const message = parse(text);
    if (!message) return;
    if ('answer' in message) this.waiting.get(message.id)?.(message.answer);
    else void this.answer(message.from, message.id, message.ask);
  }

  private async requestOne(
    node: string,
    command: NodeCommand,
    timeout: number,
  ): Promise<CommandResult | 'timed-out' | 'unreachable'> {
    if (node === this.nodeId) return (await withinTime(this.execute(command), timeout)) ?? 'timed-out';
    const id = ++this.lastId;
    try {
      const answer = new Promise<CommandResult>((resolve) => this.waiting.set(id, resolve));
      const message: Message = { from: this.nodeId, id, ask: command };
      const receivers = await this.broker.send(node, JSON.stringify(message));
      if (receivers === 0) return 'unreachable';
      return (await withinTime(answer, timeout)) ?? 'timed-out';
    } finally {
      this.waiting.delete(id);
    }
  }

  private async answer(to: string, id: number, command: NodeCommand): Promise<void> {
    const message: Message = { id, answer: await this.execute(command) };
    // A failure is ignored: the caller's request times out.
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
