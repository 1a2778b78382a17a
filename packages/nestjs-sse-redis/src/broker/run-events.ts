/**
 * How many events a channel keeps while a run is written to it, where that is more than the option says: an answer of a model
 * has more than a thousand.
 */
export const RUN_LENGTH = 20_000;

/**
 * The event with which a run begins: a position, which pages and client libraries pass over. After it an `end` of the run
 * before is not the newest event of the channel.
 */
export const RUN_START_TEXT = 'event: position\ndata: \n\n';

export const RUN_START_TYPE = 'position';
