import { Election } from './election.js';
import { LogOutSignal } from './log-out.js';
import { isFromHost, type HostMessage, type ShareMessage } from './protocol.js';
import { ShareBus } from './share-bus.js';
import type { ShareNames } from './share-names.js';
import { StreamHost, type HostedStream } from './stream-host.js';
import { TabLocks } from './tab-locks.js';

export interface CandidateOptions {
  /** Of the tab. A worker has none. */
  readonly tab?: string;
  readonly locks: LockManager;
  readonly names: ShareNames;
  readonly inWorker: boolean;
  readonly open: (lastEventId: string | undefined) => HostedStream;
  /** The stream is over, or no tab needs it. It has been given back. */
  readonly onEnd: () => void;
}

/** A tab, or a worker, that can have the stream. Stands for election, and hosts the stream while it is elected. */
export class Candidate {
  private readonly election: Election;
  private readonly bus: ShareBus;
  private readonly tabs: TabLocks;
  private readonly logOut: LogOutSignal;
  private host: StreamHost | undefined;
  /** The newest that was heard of. */
  private generation = 0;
  /** The tab of the host that was heard last. */
  private lastTab: string | undefined;
  /** Of the host. */
  hostId: string | undefined;

  constructor(private readonly options: CandidateOptions) {
    const { locks, names } = options;
    this.election = new Election(locks, names, {
      onElected: () => this.lead(),
      onDeposed: () => {
        this.dismiss();
        this.stand();
      },
    });
    this.tabs = new TabLocks(locks, names, (tab) => this.host?.leave(tab));
    this.bus = new ShareBus(names.channel, (message) => this.receive(message));
    this.logOut = new LogOutSignal(names.logOut, () => this.host?.end('closed'));
  }

  stand(): void {
    this.election.stand();
  }

  /** @param isStillSilent whether the holder still has not answered */
  succeed(isStillSilent: () => boolean): Promise<void> {
    return this.election.succeed(isStillSilent);
  }

  /** Gives the stream to the next candidate. */
  withdraw(): void {
    this.dismiss();
    this.election.withdraw();
  }

  close(): void {
    this.withdraw();
    this.tabs.close();
    this.bus.close();
    this.logOut.close();
  }

  private lead(): void {
    const { inWorker, open, tab: ownTab } = this.options;
    const { bus, tabs } = this;
    // By the clock, so that it is newer than hosts that this candidate has not heard of.
    this.generation = Math.max(this.generation + 1, Date.now());
    const id = (this.hostId = toHostId(ownTab));
    const before = this.lastTab === ownTab ? undefined : this.lastTab;
    const host = new StreamHost({
      id,
      generation: this.generation,
      inWorker,
      open,
      send: (message) => bus.send(message),
      // The tab that had the stream is closed, frozen or stuck, and keeps no one waiting.
      livingTabs: async () => (await tabs.living())?.filter((tab) => tab !== before),
      watchTab: (tab) => tabs.watch(tab),
      unwatchTab: (tab) => tabs.unwatch(tab),
      onEnd: () => {
        if (this.host !== host) return;
        this.host = undefined;
        this.withdraw();
        this.options.onEnd();
      },
    });
    this.host = host;
    void host.start();
  }

  private dismiss(): void {
    const { host } = this;
    this.host = this.hostId = undefined;
    host?.end();
  }

  private hear({ host, generation }: HostMessage): void {
    if (generation < this.generation) return;
    this.generation = generation;
    this.lastTab = tabOf(host);
  }

  private receive(message: ShareMessage): void {
    if (isFromHost(message)) this.hear(message);
    else if (message.kind !== 'claimed') this.host?.receive(message);
    else if (this.host && message.generation > this.generation) {
      // The clock was set back: the tabs follow a newer host, which is gone.
      this.dismiss();
      this.generation = message.generation;
      this.lead();
    }
  }
}

/** Names a host, and the tab in which it lives. */
function toHostId(tab = ''): string {
  return `${crypto.randomUUID()} ${tab}`;
}

/** @returns undefined where the host lives in a worker */
function tabOf(host: string): string | undefined {
  return host.split(' ', 2)[1] || undefined;
}
