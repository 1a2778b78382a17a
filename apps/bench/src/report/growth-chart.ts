import { format } from './describe.js';
import type { Section } from './summary.js';
import { dot, line, svg, text } from './svg.js';

const WIDTH = 460;
const HEIGHT = 260;
const LEFT = 48;
const RIGHT = 28;
const TOP = 52;
const BOTTOM = 40;

const series = [
  { peer: 'hub-fastify', label: 'Fastify', color: '#dc2626' },
  { peer: 'hub-express', label: 'Express', color: '#2563eb' },
] as const;

/** What a delivery costs on more and more connections, and channels. */
export function growthChart(sections: readonly Section[], caption: string): string {
  const content = (['connections', 'channels'] as const).flatMap((what, index) =>
    panel(sections, what, index * WIDTH),
  );
  content.push(text(12, HEIGHT + 14, caption, { size: 10, color: '#6b7280' }));
  return svg(2 * WIDTH, HEIGHT + 24, content);
}

function panel(sections: readonly Section[], what: string, left: number): string[] {
  const counts = countsOf(sections, what);
  if (counts.length === 0) return [];
  const medianOf = (count: number, peer: string): number | undefined =>
    sections
      .find(({ workload, figure }) => workload === `${what}-${count}` && figure === 'cpu')
      ?.rows.find((row) => row.peer === peer)?.median;
  const all = counts.flatMap((count) => series.map(({ peer }) => medianOf(count, peer) ?? 0));
  const highest = Math.max(...all) * 1.15;
  const x = (index: number): number =>
    left + LEFT + (index * (WIDTH - LEFT - RIGHT)) / Math.max(1, counts.length - 1);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / highest) * (HEIGHT - TOP - BOTTOM);
  const axis = [[left + LEFT, y(0)] as const, [left + WIDTH - RIGHT, y(0)] as const];

  return [
    text(left + 12, 20, `server CPU per delivery, by ${what}`, { bold: true }),
    text(left + 12, 36, 'µs; this hub', { size: 10, color: '#6b7280' }),
    line(axis, '#9ca3af', 1),
    ...counts.map((count, index) =>
      text(x(index), HEIGHT - BOTTOM + 18, count.toLocaleString('en'), { anchor: 'middle', size: 11 }),
    ),
    ...series.flatMap(({ peer, label, color }, place) => {
      const points = counts.flatMap((count, index): Point[] => {
        const value = medianOf(count, peer);
        return value === undefined ? [] : [{ value, x: x(index), y: y(value) }];
      });
      const legend = left + WIDTH - RIGHT - 70 * (series.length - place) + 40;
      return [text(legend, 36, label, { size: 11, color })].concat(
        curve(points, color, place === 0 ? 16 : -8),
      );
    }),
  ];
}

interface Point {
  readonly value: number;
  readonly x: number;
  readonly y: number;
}

/** @param beside how far below the points their values are written */
function curve(points: readonly Point[], color: string, beside: number): string[] {
  const path = points.map(({ x, y }) => [x, y] as const);
  return [line(path, color)].concat(
    points.map(({ x, y }) => dot(x, y, color)),
    points.map(({ value, x, y }) =>
      text(x, y + beside, format(value), { anchor: 'middle', size: 10, color }),
    ),
  );
}

function countsOf(sections: readonly Section[], what: string): number[] {
  const counts = sections.flatMap(({ workload }) => {
    const match = /^(\w+)-(\d+)$/.exec(workload);
    return match?.[1] === what ? [Number(match[2])] : [];
  });
  return [...new Set(counts)].sort((a, b) => a - b);
}
