/**
 * Keeps the order of the publishes to a channel where some of them wait for an asynchronous schema: those that were called later
 * are sent later. Channels do not wait for one another.
 */
export class ChannelTurns {
  /** By channel: settles when everything that was called before is sent. */
  private readonly last = new Map<string, Promise<void>>();

  /** Whether an earlier publish to the channel is not sent yet. */
  isBusy(channel: string): boolean {
    return this.last.size > 0 && this.last.has(channel);
  }

  /**
   * Takes the next turn on some channels.
   *
   * @param send is called when all earlier turns on these channels are over, and ends its own turn when it returns
   */
  async run<T>(channels: readonly string[], ready: Promise<T>, send: (prepared: T) => void): Promise<void> {
    const names = new Set(channels);
    const earlier = [...names].map((name) => this.last.get(name));
    const turn = this.take(earlier, ready, send);
    const over = turn.catch(() => undefined);
    for (const name of names) this.last.set(name, over);
    try {
      await turn;
    } finally {
      for (const name of names) if (this.last.get(name) === over) this.last.delete(name);
    }
  }

  private async take<T>(
    earlier: readonly (Promise<void> | undefined)[],
    ready: Promise<T>,
    send: (prepared: T) => void,
  ): Promise<void> {
    // Handled at once: the earlier turns may take longer than this one takes to fail.
    const [prepared] = await Promise.all([ready, ...earlier]);
    send(prepared);
  }
}
