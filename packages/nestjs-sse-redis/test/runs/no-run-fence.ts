import type { Publication } from '../../src/broker/broker.interface.js';
import { RunWriter } from '../../src/runs/run-writer.js';

interface Numbering {
  number(publications: readonly Publication[], end: unknown): Publication[];
}

/** Negative control: events of a run are stored as any others, its end excepted. */
const writer = RunWriter.prototype as unknown as Numbering;
const number = Reflect.get(writer, 'number');
writer.number = function (publications, end) {
  const numbered = number.call(this, publications, end);
  for (const publication of numbered) if (!publication.run?.end) Reflect.deleteProperty(publication, 'run');
  return numbered;
};
