import { formatEventId, type Position } from '../../event/position.js';
import { runEnded } from '../run-ended.js';
import type { Publication } from '../broker.interface.js';
import { RUN_START_TEXT } from '../run-events.js';
import { RunOrderError } from '../run-order.error.js';
import type {
  RunEndState,
  RunFence,
  RunStart,
  RunState,
  RunStore,
  StartedRun,
  StoredRun,
} from '../run-store.interface.js';

interface MemoryRun {
  id: string;
  node: string;
  token: string;
  state: RunState;
  sequence: number;
  last: Position;
  /** The run that it replaced. */
  before: { readonly id: string; readonly state: RunEndState } | undefined;
  startedAt: number;
  endedAt: number | undefined;
  /** When it is forgotten, ms since the epoch. */
  until: number;
}

/** The runs of a process that is alone, by the rules of `scripts/include/run.lua`. */
export class MemoryRuns implements RunStore {
  private readonly runs = new Map<string, MemoryRun>();

  constructor(
    private readonly append: (publication: Publication) => Position,
    private readonly shard: number | undefined,
  ) {}

  async start({ channel, node, token, history, replaced }: RunStart): Promise<StartedRun> {
    await Promise.resolve();
    const existing = this.find(channel);
    const isReplaced = existing?.state === 'running' && existing.id === replaced?.id;
    if (existing?.state === 'running' && !isReplaced)
      return { isNew: existing.token === token, run: toStored(existing) };
    const toPublication = (kind: 'x' | 't', text: string): Publication => ({
      channel,
      event: { kind, text },
      ephemeral: false,
      idempotencyKey: undefined,
      history,
    });
    if (isReplaced) this.append(toPublication('x', replaced.text));
    const position = this.append(toPublication('t', RUN_START_TEXT));
    const run: MemoryRun = {
      id: formatEventId(position, 0, this.shard),
      node,
      token,
      state: 'running',
      sequence: 0,
      last: position,
      before: isReplaced ? { id: existing.id, state: replaced.end.state } : undefined,
      startedAt: Date.now(),
      endedAt: undefined,
      until: Infinity,
    };
    this.runs.set(channel, run);
    return { isNew: true, run: toStored(run) };
  }

  async get(channel: string): Promise<StoredRun | undefined> {
    await Promise.resolve();
    const run = this.find(channel);
    return run && toStored(run);
  }

  /**
   * Stores an event of a run.
   *
   * @param store appends it
   * @throws RunEndedError | RunOrderError
   */
  store(channel: string, fence: RunFence, store: () => Position): Position {
    const run = this.find(channel);
    const { sequence, base, end } = fence;
    // Memory loses nothing: another id is that of a later run, or this one was forgotten after its end.
    if (run?.id !== fence.id) throw runEnded(run?.before?.id === fence.id ? run.before.state : 'interrupted');
    if (sequence > 0 && sequence <= run.sequence) return run.last;
    if (run.state !== 'running') throw runEnded(run.state);
    if (sequence > 0 && sequence !== run.sequence + 1 && sequence !== base + 1)
      throw new RunOrderError('An event of a run came too early.');
    run.last = store();
    if (sequence > 0) run.sequence = sequence;
    if (end) {
      run.state = end.state;
      run.endedAt = Date.now();
      run.until = run.endedAt + end.retain;
    }
    return run.last;
  }

  /** Forgets what is remembered no longer. */
  tick(now: number): void {
    for (const [channel, { until }] of this.runs) if (until <= now) this.runs.delete(channel);
  }

  private find(channel: string): MemoryRun | undefined {
    const run = this.runs.get(channel);
    return run && run.until > Date.now() ? run : undefined;
  }
}

function toStored({ id, node, state, startedAt, endedAt }: MemoryRun): StoredRun {
  return { id, node, state, startedAt, endedAt };
}
