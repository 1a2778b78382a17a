import { parseArgs } from 'node:util';
import { peerNames, type PeerName } from './servers/peer-names.js';
import { sizes, type SizeName } from './sizes.js';

export interface Settings {
  readonly size: SizeName;
  /** Only tasks whose title has this in it. */
  readonly only: string;
  /** Only these peers; all if there are none. */
  readonly peers: readonly PeerName[];
  /** The folder for CPU profiles of the servers. */
  readonly profiles: string | undefined;
  readonly json: string | undefined;
  /** The folder for the pictures. */
  readonly pictures: string | undefined;
  readonly repetitions: number | undefined;
}

export const USAGE = `npm run bench [-- options]
  --quick             smaller and once instead of three times: under two minutes
  --json FILE         writes all counters
  --pictures FOLDER   writes bench.svg and growth.svg there, such as docs
  --only TEXT         only what has this in its title, such as "broadcast"
  --peers A,B         only these peers (${peerNames.join(', ')})
  --profiles FOLDER   writes a CPU profile of each measured part there, which costs time and so makes counters of no use
  --repetitions N     default 3, or 1 with --quick`;

export function readSettings(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      json: { type: 'string' },
      pictures: { type: 'string' },
      only: { type: 'string', default: '' },
      repetitions: { type: 'string' },
      peers: { type: 'string' },
      profiles: { type: 'string' },
    },
  });
  const size: SizeName = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
  const repetitions = values.repetitions === undefined ? undefined : Number(values.repetitions);
  if (repetitions !== undefined && !(Number.isInteger(repetitions) && repetitions > 0)) {
    throw new Error(`--repetitions takes a whole number, not "${values.repetitions}"`);
  }
  const { only, json, pictures, profiles } = values;
  const peers = (values.peers?.split(',') ?? []) as PeerName[];
  const unknown = peers.find((name) => !peerNames.includes(name));
  if (unknown !== undefined) throw new Error(`--peers: "${unknown}" is none of ${peerNames.join(', ')}`);
  return { size, only, json, pictures, profiles, peers, repetitions };
}

export function sizesOf({ size, repetitions }: Settings) {
  return { ...sizes[size], ...(repetitions && { repetitions }) };
}
