import { UnexpectedReplyError } from '../../errors/unexpected-reply.error.js';
import type { ResolvedOptions } from '../../options/resolved-options.js';
import { RUN_START_TEXT } from '../run-events.js';
import type { RunStart, RunState, RunStore, StartedRun, StoredRun } from '../run-store.interface.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import { Script } from './script.js';
import getLua from './scripts/run-get.lua.js';
import startLua from './scripts/run-start.lua.js';

const START = new Script(startLua, true);
const GET = new Script(getLua);

type Field = Buffer | null;

/** The runs of the channels of one data set in Redis. */
export class RedisRunStore implements RunStore {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
    private readonly options: Pick<ResolvedOptions, 'ttl'>,
  ) {}

  async start({ channel, node, token, history, replaced }: RunStart): Promise<StartedRun> {
    const { ttl } = this.options;
    // The token keeps it from starting a second run.
    const reply = await this.commands.do(START, {
      keys: [this.keys.clock, this.keys.log(channel), this.keys.run(channel), this.keys.tombstones],
      args: [
        ...[history.maxLength, ttl, this.keys.pubSubChannel(channel)],
        ...[node, token, RUN_START_TEXT],
        ...[replaced?.id ?? '', replaced?.end.state ?? '', replaced?.text ?? '', history.ttl ?? ''],
      ],
    });
    const [isNew, ...fields] = reply as [number, Field, Field, Field, Field];
    const run = toRun([...fields, null]);
    if (!run) throw new UnexpectedReplyError('Redis answered the start of a run with something else.');
    return { isNew: isNew === 1, run };
  }

  async get(channel: string): Promise<StoredRun | undefined> {
    const reply = await this.commands.ask(GET, { keys: [this.keys.run(channel)], args: [] });
    return toRun(reply as Field[]);
  }
}

function toRun([id, node, state, began, ended]: Field[]): StoredRun | undefined {
  if (!id) return undefined;
  return {
    id: id.toString(),
    node: String(node ?? ''),
    state: String(state) as RunState,
    startedAt: Number(began),
    endedAt: ended ? Number(ended) : undefined,
  };
}
