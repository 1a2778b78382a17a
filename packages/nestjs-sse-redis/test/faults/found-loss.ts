import { lossesIn, LOSSES_CHANNEL } from '../../src/delivery/losses/loss.js';
import type { Deployment } from './deployment.js';

/** The log of the hub with the default prefix in which nodes keep what they found to be lost. */
const LOG = `{sse}:log:${LOSSES_CHANNEL}`;

/** Whether a node has found, and told all nodes, that an event of a channel was not announced to it. */
export async function isFound(deployment: Deployment, channel: string, position: number): Promise<boolean> {
  const entries = (await deployment.admin('XRANGE', LOG, '-', '+')) as [string, [string, string]][];
  return entries
    .flatMap(([, [, record]]) => lossesIn(JSON.parse(/^data: (.*)$/m.exec(record)![1]!)))
    .some((loss) => loss.channel === channel && loss.after < position && position <= loss.last);
}
