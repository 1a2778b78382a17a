import type { Publication } from '../../src/broker/broker.interface.js';
import { RunWriter } from '../../src/runs/run-writer.js';

/** Negative control: events of a run are stored as any others, its end excepted. */
const { number } = RunWriter.prototype as unknown as Numbering;
(RunWriter.prototype as unknown as Numbering).number = function (publications, end) {
  return number
    .call(this, publications, end)
    .map(({ run, ...publication }) => (run?.end ? { ...publication, run } : publication));
};

interface Numbering {
  number(publications: readonly Publication[], end: unknown): Publication[];
}
