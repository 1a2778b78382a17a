import type { PeerName } from '../servers/peer-names.js';
import type { Figure } from '../workloads/task.js';

/** One figure of one peer in one repetition. */
export interface Sample extends Figure {
  readonly peer: PeerName;
  readonly repetition: number;
}
