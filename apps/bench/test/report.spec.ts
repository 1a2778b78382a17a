import { bars, isOfPeers } from '../src/report/bars.js';
import { growthChart } from '../src/report/growth-chart.js';
import type { Sample } from '../src/report/sample.js';
import { median, percentile } from '../src/report/statistics.js';
import { summarize } from '../src/report/summary.js';
import { table } from '../src/report/table.js';

const sample = (
  workload: string,
  figure: Sample['figure'],
  peer: Sample['peer'],
  value: number,
  repetition = 1,
): Sample => ({ workload, figure, peer, value, repetition });

const samples = [
  ...[12, 10, 11].map((value, index) => sample('steady-256', 'cpu', 'net', value, index + 1)),
  ...[13, 30, 12].map((value, index) => sample('steady-256', 'cpu', 'hub-fastify', value, index + 1)),
  sample('steady-256', 'cpu', 'nest-fastify', 52),
  sample('saturation', 'rate', 'hub-fastify', 123_456),
  ...[100, 1000, 10_000].map((count) => sample(`connections-${count}`, 'cpu', 'hub-fastify', 13)),
];

test('medians, and percentiles by nearest rank', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7]);
});

test('a section has medians, and medians of the ratios within a repetition', () => {
  const [steady] = summarize(samples);
  expect(steady?.rows.map(({ peer }) => peer)).toEqual(['net', 'hub-fastify', 'nest-fastify']);
  expect(steady?.rows[1]).toMatchObject({ median: 13, lowest: 12, highest: 30, toHandwritten: 0.25 });
  // 13/12, 30/10, 12/11
  expect(steady?.rows[1]?.toFloor).toBeCloseTo(12 / 11);
  expect(steady?.rows[0]?.toHandwritten).toBeUndefined();
});

test('a floor of nothing has no ratio', () => {
  const [stalled] = summarize([
    sample('stalled-60', 'stalled', 'http', 0),
    sample('stalled-60', 'stalled', 'hub-fastify', 1),
  ]);
  expect(stalled?.rows[1]?.toFloor).toBeUndefined();
});

test('every line of the table says what was measured', () => {
  const lines = table(summarize(samples)).split('\n');
  expect(lines[0]).toBe('steady broadcast, 256 B: server CPU per delivery (µs)');
  expect(lines[3]).toMatch(/this hub, Fastify +13\.0 +12\.0 … 30\.0 +1\.09 +0\.25 +nestjs-sse-redis \d/);
  expect(lines.filter((line) => /^ {2}\S/.test(line)).every((line) => /ioredis \d+\.\d+/.test(line))).toBe(
    true,
  );
});

test('the pictures show the counters', () => {
  const sections = summarize(samples);
  const picture = bars(sections.filter(isOfPeers), 'on <this> machine');
  expect(picture).toContain('>13.0</text>');
  expect(picture).toContain('>123,456</text>');
  expect(picture).toContain('on &lt;this&gt; machine');
  expect(picture.match(/<rect/g)).toHaveLength(1 + 4);
  expect(growthChart(sections, '').match(/<circle/g)).toHaveLength(3);
  for (const svg of [picture, growthChart(sections, ''), growthChart([], '')]) {
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  }
});
