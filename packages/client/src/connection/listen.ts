/**
 * Without the option `signal` of `addEventListener`: in tests a page of jsdom stands beside the `AbortController` of Node, and takes none of its
 * signals (jest-fixed-jsdom).
 *
 * @param target has no events in React Native
 * @returns a function that removes the listener
 */
export function listen(target: Partial<EventTarget>, type: string, react: () => void): () => void {
  target.addEventListener?.(type, react);
  return () => target.removeEventListener?.(type, react);
}
