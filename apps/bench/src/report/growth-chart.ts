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

  return [
    text(left + 12, 20, `server CPU per delivery, by ${what}`, { bold: true }),
    text(left + 12, 36, 'µs; this hub', { size: 10, color: '#6b7280' }),
    line([[left + LEFT, y(0)], [left + WIDTH - RIGHT, y(0)]], '#9ca3af', 1), // prettier-ignore
    ...counts.map((count, index) =>
      text(x(index), HEIGHT - BOTTOM + 18, count.toLocaleString('en'), { anchor: 'middle', size: 11 }),
    ),
    ...series.flatMap(({ peer, label, color }, place) => {
      const points = counts.flatMap((count, index) => {
        const value = medianOf(count, peer);
        return value === undefined ? [] : [{ value, at: [x(index), y(value)] as const }];
      });
      return [
        text(left + WIDTH - RIGHT - 70 * (series.length - place) + 40, 36, label, { size: 11, color }),
        line(points.map(({ at }) => at), color), // prettier-ignore
        ...points.flatMap(({ value, at: [cx, cy] }) => [
          dot(cx, cy, color),
          text(cx, place === 0 ? cy + 16 : cy - 8, format(value), { anchor: 'middle', size: 10, color }),
        ]),
      ];
    }),
  ];
}

function countsOf(sections: readonly Section[], what: string): number[] {
  const counts = sections.flatMap(({ workload }) => {
    const match = /^(\w+)-(\d+)$/.exec(workload);
    return match?.[1] === what ? [Number(match[2])] : [];
  });
  return [...new Set(counts)].sort((a, b) => a - b);
}
