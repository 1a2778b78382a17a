import { peerOf, versionsOf } from '../peers.js';
import { describe, format } from './describe.js';
import type { Row, Section } from './summary.js';

const HEAD = ['', 'median', 'lowest … highest', '× floor', '× hand-written', 'measured'];

/** For the terminal: a block for each figure, a line for each peer. */
export function table(sections: readonly Section[]): string {
  return sections.map(block).join('\n\n');
}

function block({ workload, figure, rows }: Section): string {
  const { title, unit } = describe(workload, figure);
  const lines = [HEAD, ...rows.map((row) => cells(row))];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] as number;
        return column === 0 || column === line.length - 1 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return [`${title} (${unit})`, ...text.map((line) => `  ${line}`)].join('\n');
}

function cells(row: Row): string[] {
  const ratio = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(2));
  return [
    row.label,
    format(row.median),
    `${format(row.lowest)} … ${format(row.highest)}`,
    ratio(row.toFloor),
    ratio(row.toHandwritten),
    versionsOf(peerOf(row.peer)).join(', '),
  ];
}
