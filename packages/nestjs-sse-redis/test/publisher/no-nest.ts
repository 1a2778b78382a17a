import { register } from 'node:module';

// `--import` of this file: nothing of Nest can be resolved in the process.
register('./no-nest.hooks.js', import.meta.url);
