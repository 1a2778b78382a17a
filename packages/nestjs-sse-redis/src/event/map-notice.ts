/** The type of the events that the hub itself puts among those of a state channel. */
export const MAP_TYPE = 'map';

/** What the hub says of a state channel, as the data of an event of the type `map`. */
export type MapNotice =
  /** The map begins anew: what the client had of the channel counts no longer. The newest event of each key follows. */
  | { readonly channel: string; readonly begins: true }
  /** The client has the map, whole: after `begins`, and after each reconnect. Changes follow as they come. */
  | { readonly channel: string; readonly complete: true }
  /** A key was removed. */
  | { readonly channel: string; readonly removed: string }
  /** So many older events of keys were left out, since newer ones came before the client had taken them. */
  | { readonly channel: string; readonly conflated: number };
