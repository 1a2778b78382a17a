/** Whether two types are the same. */
export type Equal<A, B> = [A, B] extends [B, A] ? true : false;

/** Compiles for `true` alone. */
export type Expect<T extends true> = T;
