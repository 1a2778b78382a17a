/** Which process this is, as its supervisor named it. */
export interface Identity {
  name: string;
  pid: number;
  generation: number;
}

export const me: Identity = {
  name: process.env['WORKER_NAME'] ?? 'w1',
  pid: process.pid,
  generation: Number(process.env['WORKER_GENERATION'] ?? 1),
};
