import type { MessageEvent } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { Subject } from 'rxjs';

/** What a test reaches of the streams of one route. */
export class Stage {
  /** Messages of the application, for routes that merge them with the stream. */
  readonly more = new Subject<MessageEvent>();
  /** Makes the route do what it is for. */
  readonly act = new Subject<void>();
  /** The `Last-Event-ID` of each request, in their order. */
  readonly claims: (string | undefined)[] = [];
  /** Of the last request. */
  response!: ServerResponse;
  /** The next request is to fail before its headers. */
  isFailing = false;
}

const stages = new Map<string, Stage>();

/** @param path of the route, without a slash */
export function stageOf(path: string): Stage {
  let stage = stages.get(path);
  if (!stage) stages.set(path, (stage = new Stage()));
  return stage;
}

export function clearStages(): void {
  stages.clear();
}
