import type { PeerName } from '../servers/peer-names.js';
import { describe, format } from './describe.js';
import type { Section } from './summary.js';
import { bar, svg, text } from './svg.js';

const PANEL_WIDTH = 460;
const LABELS = 170;
const VALUES = 60;
const ROW = 20;
const HEAD = 44;
const COLUMNS = 2;

/** A panel of bars for each figure. */
export function bars(panels: readonly Section[], caption: string): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const height = HEAD + ROW * Math.max(1, ...panels.map((section) => section.rows.length)) + 16;
  const content = panels.flatMap((section, index) =>
    panel(section, (index % COLUMNS) * PANEL_WIDTH, Math.floor(index / COLUMNS) * height),
  );
  const total = rows * height + 24;
  content.push(text(12, total - 10, caption, { size: 10, color: '#6b7280' }));
  return svg(PANEL_WIDTH * COLUMNS, total, content);
}

/** What the picture of peers shows. */
export function isOfPeers({ workload, figure }: Section): boolean {
  if (figure === 'cpu') return /^(steady|burst|per-user)/.test(workload);
  if (figure === 'p99') return workload === 'steady-256';
  return figure === 'rate' || figure === 'memory' || figure === 'stalled';
}

/** What the picture of scaling shows. */
export function isOfShards({ workload }: Section): boolean {
  return /^(shards-|masters$)/.test(workload);
}

function panel({ workload, figure, rows }: Section, left: number, top: number): string[] {
  const { title, unit, moreIsBetter } = describe(workload, figure);
  const longest = Math.max(...rows.map((row) => row.median), Number.MIN_VALUE);
  const width = PANEL_WIDTH - LABELS - VALUES - 12;
  return [
    text(left + 12, top + 20, title, { bold: true }),
    text(left + 12, top + 35, `${unit}, ${moreIsBetter ? 'more' : 'less'} is better`, {
      size: 10,
      color: '#6b7280',
    }),
    ...rows.flatMap((row, index) => {
      const y = top + HEAD + index * ROW;
      const length = (Math.max(0, row.median) / longest) * width;
      return [
        text(left + LABELS - 6, y + 12, row.label, { anchor: 'end', size: 11 }),
        bar(left + LABELS, y, length, ROW - 6, color(row.peer)),
        text(left + LABELS + length + 6, y + 12, format(row.median), { size: 11 }),
      ];
    }),
  ];
}

function color(peer: PeerName): string {
  if (peer.startsWith('hub-')) return '#dc2626';
  return peer === 'net' || peer === 'http' ? '#9ca3af' : '#60a5fa';
}
