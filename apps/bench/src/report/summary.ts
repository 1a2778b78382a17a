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
  /** To the floor, and to hand-written Nest on the same adapter: the median of the ratios, each within a repetition. */
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
    const ratio = (peer: PeerName, base: PeerName | undefined): number | undefined => {
      const ratios = (values.get(peer) as Sample[]).flatMap(({ repetition, value }) => {
        const other = base && values.get(base)?.find((sample) => sample.repetition === repetition);
        return other?.value ? [value / other.value] : [];
      });
      return ratios.length > 0 ? median(ratios) : undefined;
    };
    const floor = (['net', 'http'] as const).find((peer) => values.has(peer));
    const rows = peers
      .filter(({ name }) => values.has(name))
      .map(({ name }): Row => {
        const each = (values.get(name) as Sample[]).map(({ value }) => value);
        const handwritten = name.startsWith('hub-') ? (name.replace('hub-', 'nest-') as PeerName) : undefined;
        return {
          peer: name,
          label: peerOf(name).label,
          median: median(each),
          lowest: Math.min(...each),
          highest: Math.max(...each),
          toFloor: ratio(name, floor),
          toHandwritten: ratio(name, handwritten),
        };
      });
    return { workload, figure, rows };
  });
}
