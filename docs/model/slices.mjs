// What a reading of a log tells besides its events.
import { on } from './rules.mjs';

/** The gap before what was read. `isOwed`: something was known to be missing there before. */
export function gapBefore({ ch, wholeFrom, keptFrom, isEvent }, cursor) {
  const { from = cursor.from(ch), missingFrom } = cursor.doubts.get(ch) ?? {};
  const isOwed = missingFrom !== undefined;
  const passed = missingFrom ?? cursor.startOf(ch);
  if (passed < wholeFrom) {
    return { ch, from: on('gap-from') ? Math.min(from, passed) : passed, cause: 'retention', isOwed };
  }
  if (isOwed || !on('unanswered-doubt')) return undefined;
  // An event was there, and never announced; or the log was not kept for as long as an audit takes.
  if (isEvent && from < wholeFrom) return { ch, from, to: wholeFrom, cause: 'doubt', isOwed: true };
  return from < keptFrom ? { ch, from, to: keptFrom, cause: 'doubt', isOwed: true } : undefined;
}

/** Marks the ends of a channel that something follows there. @param goesOn whether something follows what was read */
export function superseding(events, goesOn) {
  return events.map((e, i) => (e.isEnd ? { ...e, isSuperseded: goesOn || i < events.length - 1 } : e));
}
