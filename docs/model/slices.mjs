// What a reading of a log tells besides its events.
import { on } from './rules.mjs';

/** The gap before what was read. `isOwed`: something was known to be missing there before. */
export function gapBefore({ ch, logStart, keptFrom, isEvent }, cursor) {
  const { from = cursor.from(ch), knownMissingFrom } = cursor.doubts.get(ch) ?? {};
  const isOwed = knownMissingFrom !== undefined;
  const passed = knownMissingFrom ?? cursor.startOf(ch);
  if (passed < logStart) {
    return { ch, from: on('gap-start') ? Math.min(from, passed) : passed, cause: 'retention', isOwed };
  }
  if (isOwed || !on('unconfirmed-unanswered')) return undefined;
  // An event was there, and never announced; or the log was not kept for as long as an audit takes.
  if (isEvent && from < logStart) return { ch, from, to: logStart, cause: 'unconfirmed', isOwed: true };
  return from < keptFrom ? { ch, from, to: keptFrom, cause: 'unconfirmed', isOwed: true } : undefined;
}

/** Marks the ends of a channel that something follows there. @param goesOn whether something follows what was read */
export function superseding(events, goesOn) {
  return events.map((e, i) => (e.isEnd ? { ...e, isSuperseded: goesOn || i < events.length - 1 } : e));
}
