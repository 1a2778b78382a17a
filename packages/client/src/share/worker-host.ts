import type { ClientLogEntry } from '../connection/connection-options.js';
import type { StreamOptions } from '../stream/channel-changes.js';
import { LocalStream } from '../stream/local-stream.js';
import { Candidate } from './candidate.js';
import { shareNames } from './share-names.js';
import { TabAnswers } from './tab-answers.js';
import type { Asked, ToWorker } from './worker-protocol.js';

type Start = Extract<ToWorker, { kind: 'start' }>;

/** The half of a SharedWorker: a candidate for the stream, that asks the tabs for what it cannot know. */
export class WorkerHost {
  private readonly answers = new TabAnswers();
  private candidate: Candidate | undefined;
  private start: Start | undefined;

  connect(port: MessagePort): void {
    port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
      if (data.kind === 'answer') this.answers.take(data, port);
      else if (data.kind === 'leave') this.answers.leave(port);
      else this.join(port, data);
    };
  }

  private join(port: MessagePort, start: Start): void {
    this.start = start;
    this.answers.join(port);
    this.candidate ??= new Candidate({
      locks: navigator.locks,
      names: shareNames(start.key, start.url),
      inWorker: true,
      open: (lastEventId) => new LocalStream(this.toOptions(lastEventId)),
      onEnd: () => undefined, // the next tab makes it stand again
    });
    this.candidate.stand();
    // The answer comes when the request for the lock is in the queue, before those of the tabs.
    const { leader } = shareNames(start.key, start.url);
    void navigator.locks.request(leader, { ifAvailable: true }, () => port.postMessage({ kind: 'ready' }));
  }

  private toOptions(lastEventId: string | undefined): StreamOptions {
    const { options, asks } = this.start!;
    const { lastEventId: _, ...shared } = options;
    const ask = (option: Asked, refresh?: boolean) =>
      asks.includes(option) && { [option]: () => this.answers.ask(option, refresh) };
    return {
      ...(shared as StreamOptions),
      ...ask('url'),
      ...ask('controlUrl'),
      ...ask('headers'),
      ...(asks.includes('token') && {
        token: ({ refresh }) => this.answers.ask('token', refresh) as Promise<string>,
      }),
      ...(lastEventId !== undefined && { lastEventId }),
      log: (entry) => this.answers.tell({ kind: 'log', entry: toClonable(entry) }),
    };
  }
}

/** Errors of the platform cannot all be cloned. */
function toClonable({ level, message, error }: ClientLogEntry): ClientLogEntry {
  return {
    level,
    message,
    ...(error !== undefined && {
      error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
    }),
  };
}
