/** The script of the SharedWorker. The module exists in builds only: `worker-script.mjs` makes it. */
export const WORKER_SCRIPT: string;
