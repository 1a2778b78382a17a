import type { ScriptCall } from './script-call.js';

/** The reply of `publish.lua` that did nothing for want of the key, and what announces the key among its arguments. */
const NEEDED = 0;
const ANNOUNCED = 'tombstones';

/**
 * The key of tombstones (docs/decisions/027), which `publish.lua` is given once a log of the data set is kept for a time of its own.
 *
 * In a cluster a key that is not there makes publishing wait from the first moment in which its slot moves: Redis answers TRYAGAIN
 * while some keys of a script are at one node and others are not (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
 */
export class TombstonesKey {
  private isNeeded = false;

  constructor(private readonly key: string) {}

  /** @param leavesTombstone whether an event of the call is kept for a time of its own */
  addTo(call: ScriptCall, leavesTombstone: boolean): ScriptCall {
    if (leavesTombstone) this.isNeeded = true;
    return this.isNeeded ? this.named(call) : call;
  }

  /** @returns the call to be made in place of one that the script has not carried out; undefined where it has */
  amend(call: ScriptCall, reply: unknown): ScriptCall | undefined {
    if (reply !== NEEDED) return undefined;
    this.isNeeded = true;
    return this.named(call);
  }

  private named(call: ScriptCall): ScriptCall {
    return { ...call, keys: [...call.keys, this.key], args: [...call.args, ANNOUNCED] };
  }
}
