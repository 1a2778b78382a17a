import { RecordedConnection } from '../../fixtures/recorded-connection.js';
import { connectionCases } from './connection-cases.js';
import { parsingCases } from './parsing-cases.js';

export const cases = [...parsingCases, ...connectionCases];

/** ms, for a busy machine. */
const PATIENCE = 20_000;
/** A browser makes six connections to an origin (HTTP/1.1). */
const AT_ONCE = 5;

/** Runs in Node and in pages. @returns the results of all cases, in their order */
export async function runCases(origin: string): Promise<unknown[]> {
  const results: unknown[] = [];
  const waiting = cases.keys();
  const work = async () => {
    for (const i of waiting) results[i] = await runCase(origin, i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function runCase(origin: string, i: number): Promise<unknown> {
  const { until = hasDone, result = dataBeforeDone } = cases[i]!;
  const recorded = new RecordedConnection({
    url: `${origin}/case/${i}`,
    backoff: { min: 10, max: 20 },
  });
  const deadline = Date.now() + PATIENCE;
  while (!until(recorded)) {
    if (Date.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  // Before the state of the client's own end.
  const seen = until(recorded) ? result(recorded) : `states: ${recorded.summary.join(', ')}`;
  recorded.close();
  return seen;
}

function hasDone({ events }: RecordedConnection): boolean {
  return events.some(({ type }) => type === 'done');
}

function dataBeforeDone({ events }: RecordedConnection): string[] {
  return events.filter(({ type }) => type !== 'done').map(({ data }) => data);
}
