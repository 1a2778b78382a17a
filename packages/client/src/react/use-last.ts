import { useRef } from 'react';

/** What the effect of before has left. */
export interface Last<Value> {
  /** @returns undefined where that effect was about something else */
  read(): Value | undefined;
  write(value: Value | undefined): void;
}

/**
 * Lets an effect go on where it was. React ends the effects of what `<Activity>` hides, and of each Fast Refresh, and begins them again with
 * the state that they had made.
 *
 * @param about as the dependencies of the effect
 */
export function useLast<Value>(about: readonly unknown[]): Last<Value> {
  const last = useRef<{ readonly about: readonly unknown[]; readonly value: Value | undefined }>(undefined);
  return {
    read: () => {
      const { current } = last;
      return current?.about.every((part, i) => Object.is(part, about[i])) ? current.value : undefined;
    },
    write: (value) => (last.current = { about, value }),
  };
}
