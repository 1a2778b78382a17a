import { Pipes } from '../../src/hub/pipes.js';

/** Negative control: the drain leaves running pipes alone. */
Pipes.prototype.interrupt = () => Promise.resolve([]);
