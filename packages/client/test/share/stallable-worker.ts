import { WorkerHost } from '../../src/share/worker-host.js';

/** The worker of the package, which stops or gets stuck when a test says so. */
const scope = globalThis as unknown as { onconnect: (event: MessageEvent) => void; close: () => void };
const host = new WorkerHost();
scope.onconnect = ({ ports }) => host.connect(ports[0]!);

new BroadcastChannel('test-worker').onmessage = ({
  data,
}: MessageEvent<{ close?: true; stall?: number }>) => {
  if (data.close) scope.close();
  const until = Date.now() + (data.stall ?? 0);
  while (Date.now() < until);
};
