/** What the browser tests read. `drop(n)` loses the next n flood events before the ledger: its negative control. */
export function hooks({ ledger, stream, asked, served, serving, drop }) {
  return {
    get ids() {
      return ledger.ids;
    },
    get flood() {
      const { name, of, numbers } = ledger.run ?? { numbers: [] };
      return { run: name, of, numbers: [...numbers] };
    },
    get state() {
      return stream.state;
    },
    get reconnects() {
      return stream.reconnects;
    },
    /** Where the stream is that this tab shares. */
    get role() {
      return stream.role;
    },
    get servedBy() {
      return serving();
    },
    /** All who served it; `after` so many numbers of the flood of that time. */
    served,
    get counts() {
      return { ...ledger.counts };
    },
    get verdict() {
      return ledger.verdict;
    },
    get answer() {
      const { state, text, verdict } = asked;
      return { state, text, verdict };
    },
    drop,
  };
}
