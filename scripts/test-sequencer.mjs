// The order of test files: the longest first, so that none runs alone at the end. Jest sorts by how long files took, but a fresh
// clone has no such times: Jest then takes the largest file for the longest, and the fault suite is among the smallest.
import { createRequire } from 'node:module';
import { LONG, LONGEST } from './long-specs.mjs';

// Not imported: its types would bring those of Node to the demo's browser scripts, which the linter checks as one program with this.
const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer');

export default class LongestFirst extends Sequencer {
  /** Times that Jest has kept are newer than the list, but it has none of the groups of a run of all tests. */
  sort(tests) {
    const sorted = super.sort([...tests]);
    const isTimed = sorted.some((test) => this.time(test) !== undefined);
    if (isTimed && !process.env.TEST_GROUPS) return sorted;
    const order = [...LONGEST, 'all others', ...LONG];
    const rank = ({ path }) => {
      const at = order.findIndex((end) => path.endsWith(end));
      return at < 0 ? LONGEST.length : at;
    };
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
