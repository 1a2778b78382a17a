/** A user's id; a number becomes a string. */
export type UserId = string | number | null | undefined;
