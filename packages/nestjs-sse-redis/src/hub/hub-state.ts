import { HubClosedError } from '../errors/hub-closed.error.js';

/** Whether the hub runs. */
export class HubState {
  private state: 'new' | 'started' | 'closed' = 'new';
  private decide!: () => void;
  /** Resolves when the hub has started, or was closed before. */
  readonly decided = new Promise<void>((resolve) => (this.decide = resolve));

  /** The process hands its clients over: streams that are no connections of the registry leave theirs. */
  isHandingOver = false;
  private readonly leavers = new Set<() => void>();

  get isStarted(): boolean {
    return this.state === 'started';
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  start(): void {
    this.state = 'started';
    this.decide();
  }

  close(): void {
    this.state = 'closed';
    this.decide();
  }

  handOver(): void {
    this.isHandingOver = true;
    for (const leave of [...this.leavers]) leave();
  }

  /** @param leave is called when the process hands its clients over @returns what forgets it */
  onHandOver(leave: () => void): () => void {
    this.leavers.add(leave);
    return () => this.leavers.delete(leave);
  }

  /** @throws HubClosedError unless the hub runs */
  check(): void {
    if (this.isStarted) return;
    throw new HubClosedError(
      this.isClosed
        ? 'The hub is closed, as the application is.'
        : 'The hub has not started: Nest starts it with app.init() or app.listen(); use it from onApplicationBootstrap on. What LazyModuleLoader loads Nest never starts: import SseRedisModule.forRoot() in the root module.',
    );
  }
}
