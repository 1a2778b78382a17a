/** The script of the SharedWorker (`shareTabs()`). */
import { WorkerHost } from './worker-host.js';

const host = new WorkerHost();
(globalThis as { onconnect?: (event: MessageEvent) => void }).onconnect = ({ ports }) =>
  host.connect(ports[0]!);
