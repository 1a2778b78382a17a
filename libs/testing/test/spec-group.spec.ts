import { fileURLToPath } from 'node:url';
import { runAsOneFile } from '../src/spec-group.js';
import { log } from './spec-group/shared.js';

const paths = ['first', 'second'].map((name) =>
  fileURLToPath(new URL(`spec-group/${name}.ts`, import.meta.url)),
);

// Before the tests below, so that they see what these did.
await runAsOneFile(paths, (path) => path.split('/').at(-1)!);

describe('specs that run as one file', () => {
  it('run in order, each with its own hooks, whatever they share', () => {
    expect(log).toEqual([
      ...['first: before', 'first: test'],
      ...['a1', 'a2', 'b1', 'b2'].flatMap((name) => [`second: ${name}`, 'second: after']),
    ]);
  });

  it('leave the functions of Jest as they were', () => {
    // A function of Jest takes a name and a test; what stands in for it has no arguments.
    expect([describe, it, test].map(({ length }) => length)).not.toContain(0);
  });
});
