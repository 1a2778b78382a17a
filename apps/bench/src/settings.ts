import { parseArgs } from 'node:util';
import { sizes, type SizeName } from './sizes.js';

export interface Settings {
  readonly size: SizeName;
  /** Only tasks whose title has this in it. */
  readonly only: string;
  readonly json: string | undefined;
  /** The folder for the pictures. */
  readonly pictures: string | undefined;
  readonly repetitions: number | undefined;
}

export const USAGE = `npm run bench [-- options]
  --quick             smaller and once instead of three times: under two minutes
  --json FILE         writes all figures
  --pictures FOLDER   writes bench.svg and growth.svg there, such as docs
  --only TEXT         only what has this in its title, such as "broadcast"
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
    },
  });
  const size: SizeName = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
  const repetitions = values.repetitions === undefined ? undefined : Number(values.repetitions);
  if (repetitions !== undefined && !(Number.isInteger(repetitions) && repetitions > 0)) {
    throw new Error(`--repetitions takes a whole number, not "${values.repetitions}"`);
  }
  return { size, only: values.only, json: values.json, pictures: values.pictures, repetitions };
}

export function sizesOf({ size, repetitions }: Settings) {
  return { ...sizes[size], ...(repetitions && { repetitions }) };
}
