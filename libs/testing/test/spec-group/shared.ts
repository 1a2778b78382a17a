/** What the specs of the group did, in order. */
export const log: string[] = [];

/** Kept when the first spec imports this, as helpers of specs do. */
export const describeHere = process.platform ? describe : describe.skip;
