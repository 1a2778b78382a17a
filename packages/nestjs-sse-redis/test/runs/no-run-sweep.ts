import { StoredRuns } from '../../src/runs/stored-runs.js';

/** Negative control: those who sweep leave the runs of a dead process alone. */
StoredRuns.prototype.endLeft = (_node, channels) => Promise.resolve([...channels]);
