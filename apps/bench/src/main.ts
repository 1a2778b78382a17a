import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkOpenFiles } from './open-files.js';
import { BenchRedis } from './processes/redis.js';
import { bars, isOfPeers, isOfShards } from './report/bars.js';
import { environment, environmentLine } from './report/environment.js';
import { growthChart } from './report/growth-chart.js';
import { summarize, type Section } from './report/summary.js';
import { table } from './report/table.js';
import { runTasks } from './run.js';
import { readSettings, sizesOf, USAGE, type Settings } from './settings.js';
import { Bench } from './workloads/bench.js';
import { allTasks } from './workloads/tasks.js';

async function main(settings: Settings): Promise<void> {
  const sizes = sizesOf(settings);
  checkOpenFiles(sizes);
  // What is written at the end must not fail for want of a folder.
  const { json, pictures, profiles } = settings;
  for (const folder of [json && dirname(json), pictures, profiles]) {
    if (folder) mkdirSync(folder, { recursive: true });
  }
  const tasks = allTasks(sizes).filter(({ title }) => title.includes(settings.only));
  const started = performance.now();
  const progress = (line: string): void => {
    console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  };

  const redis = await BenchRedis.start(process.env['REDIS_SERVER'] ?? 'redis-server');
  try {
    const bench = new Bench(redis, profiles && resolve(profiles));
    const samples = await runTasks(bench, tasks, settings.peers, sizes.repetitions, progress);
    await bench.stop();

    const on = environment(redis.version);
    const sections = summarize(samples);
    console.log(`\n${table(sections)}\n\n${environmentLine(on)}; medians of ${sizes.repetitions}`);
    if (json) {
      const result = { environment: on, size: settings.size, sizes, sections, samples };
      writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
    }
    if (pictures)
      writePictures(pictures, sections, `${environmentLine(on)}; medians of ${sizes.repetitions}`);
  } finally {
    await redis.stop();
  }
}

function writePictures(folder: string, sections: readonly Section[], caption: string): void {
  const write = (name: string, picture: string): void => writeFileSync(join(folder, name), picture);
  for (const [name, isShown] of [
    ['bench.svg', isOfPeers],
    ['scaling.svg', isOfShards],
  ] as const) {
    const panels = sections.filter(isShown);
    if (panels.length > 0) write(name, bars(panels, caption));
  }
  if (sections.some(isOfPeers)) write('growth.svg', growthChart(sections, caption));
}

try {
  if (process.argv.includes('--help')) console.log(USAGE);
  else await main(readSettings(process.argv.slice(2)));
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
