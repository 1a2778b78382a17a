import type { LinePosition } from '../event/position.js';

/** Where a new client begins on a channel: with all that is retained, with some of the last events, or after a position. */
export type StartPoint = 'start' | { readonly last: number } | LinePosition;

/** The beginnings of channels, by their names. Others begin at now. */
export type StartPoints = ReadonlyMap<string, StartPoint>;
