/** Version 1.1 brings no types. */
declare module 'cluster-key-slot' {
  /** The slot of a key in a Redis Cluster, 0 to 16,383; of its hash tag, where it has one. */
  export default function toSlot(key: string): number;
}
