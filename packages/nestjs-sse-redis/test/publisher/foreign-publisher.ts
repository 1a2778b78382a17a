import { Script } from '../../src/broker/redis/script.js';
import { ShardMap } from '../../src/event/shard-map.js';
import publishEventLua from '../../src/broker/redis/scripts/publish-event.lua.js';

/** The two files that the package ships. */
export const SCRIPT = publishEventLua;
export const CLUSTER_SCRIPT = new Script(publishEventLua).sharded.source;

/** An event as a publisher in another language gives it. */
export interface ForeignEvent {
  readonly kind: 'json' | 'text';
  readonly type?: string;
  readonly data: string | Buffer;
  /** Names and values in turn. */
  readonly options?: readonly string[];
}

/** The names that the script wants, as docs/publishing.md tells of them. */
export function keysOf(
  channel: string,
  { prefix, shards = 1, key }: { prefix: string; shards?: number; key?: string | undefined },
): string[] {
  const map = new ShardMap(shards);
  const tag = shards === 1 ? prefix : map.tagOf(map.of(channel), prefix);
  const keys = [`{${tag}}:clock`, `{${tag}}:log:${channel}`, `{${tag}}:live:0:c:${channel}`];
  return key === undefined ? keys : [...keys, `{${tag}}:once:${channel.length}:${channel}:${key}`];
}

/** The arguments of EVAL, after the script. */
export function toArguments(keys: readonly string[], event: ForeignEvent): (string | number | Buffer)[] {
  const { kind, type = '', data, options = [] } = event;
  return [keys.length, ...keys, kind, type, data, ...options];
}
