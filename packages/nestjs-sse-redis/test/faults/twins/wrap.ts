/** Puts another method in place of one, in this process, which is a child of a test. */
export function wrap<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  wrapper: (original: T[K]) => T[K],
): void {
  prototype[name] = wrapper(prototype[name]);
}
