import { Pipes } from '../../src/publish/pipes.js';

/** Negative control: the drain leaves running pipes alone. */
Pipes.prototype.interrupt = () => Promise.resolve([]);
