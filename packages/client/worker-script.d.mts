import type { Plugin } from 'esbuild';

export function toWorkerModule(): Promise<string>;
export const workerScriptPlugin: Plugin;
