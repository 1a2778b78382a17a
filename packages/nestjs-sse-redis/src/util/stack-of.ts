/** What a log shows of anything that was thrown. */
export function stackOf(thrown: unknown): string {
  return (thrown instanceof Error && thrown.stack) || String(thrown);
}
