import { peerOf, peers } from '../peers.js';
import type { PeerName } from '../servers/peer-names.js';
import type { FigureName } from '../workloads/task.js';
import { groupBy } from './group-by.js';
import type { Sample } from './sample.js';
import { median } from './statistics.js';

export interface Row {
  readonly peer: PeerName;
  readonly label: string;
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** Of medians: to the floor, and to hand-written Nest on the same adapter. */
  readonly toFloor: number | undefined;
  readonly toHandwritten: number | undefined;
}

/** One figure of one workload, a row for each peer. */
export interface Section {
  readonly workload: string;
  readonly figure: FigureName;
  readonly rows: readonly Row[];
}

export function summarize(samples: readonly Sample[]): Section[] {
  const groups = groupBy(samples, ({ workload, figure }) => `${workload} ${figure}`);
  return [...groups.values()].map((group) => {
    const { workload, figure } = group[0] as Sample;
    const values = groupBy(group, ({ peer }) => peer);
    const medianOf = (peer: PeerName): number | undefined => {
      const found = values.get(peer);
      return found && median(found.map(({ value }) => value));
    };
    const floor = medianOf('net') ?? medianOf('http');
    const rows = peers
      .filter(({ name }) => values.has(name))
      .map(({ name }): Row => {
        const each = (values.get(name) as Sample[]).map(({ value }) => value);
        const own = median(each);
        const handwritten = name.startsWith('hub-')
          ? medianOf(name.replace('hub-', 'nest-') as PeerName)
          : undefined;
        return {
          peer: name,
          label: peerOf(name).label,
          median: own,
          lowest: Math.min(...each),
          highest: Math.max(...each),
          toFloor: floor ? own / floor : undefined,
          toHandwritten: handwritten ? own / handwritten : undefined,
        };
      });
    return { workload, figure, rows };
  });
}
