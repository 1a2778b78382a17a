import { useState, type Dispatch, type SetStateAction } from 'react';

/**
 * A state that belongs to what it is about. Of something else it is `none` from the very rendering in which that comes: an effect would forget
 * it one rendering later, and components would show what is known of one channel under the name of another.
 *
 * @param about as the dependencies of an effect. The effect that holds it sets `none` first
 */
export function useViewOf<View extends object>(
  none: View,
  about: readonly unknown[],
): [View, Dispatch<SetStateAction<View>>] {
  const [held, setHeld] = useState({ about, view: none });
  const isSame = about.every((part, i) => Object.is(part, held.about[i]));
  const setView = (change: SetStateAction<View>) =>
    setHeld((before) => ({
      about,
      view: typeof change === 'function' ? change(before.view) : change,
    }));
  return [isSame ? held.view : none, setView];
}
