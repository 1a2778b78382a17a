import { WorkerHost } from '../../src/share/worker-host.js';
import { denyQuery } from './deny-query.js';

/** The worker of the package, where the browser does not say who holds locks. */
denyQuery();
const host = new WorkerHost();
(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = ({ ports }) =>
  host.connect(ports[0]!);
