/** Those who wait for something that may come more than once. */
export class Waiters {
  private readonly resumed: (() => void)[] = [];

  /** Resolves at the next `wake`. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.resumed.push(resolve));
  }

  wake(): void {
    for (const resume of this.resumed.splice(0)) resume();
  }
}
