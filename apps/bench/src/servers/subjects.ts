import { Injectable, type MessageEvent } from '@nestjs/common';
import { Redis } from 'ioredis';
import { finalize, type Observable, Subject } from 'rxjs';

/** One `SUBSCRIBE` and one Subject a channel: what a team writes that knows that a `filter` per client costs more. */
@Injectable()
export class Subjects {
  private readonly subjects = new Map<string, Subject<MessageEvent>>();
  private readonly redis = new Redis(process.env['REDIS_URL'] as string);

  constructor() {
    this.redis.on('message', (channel, data) => this.subjects.get(channel)?.next({ data }));
  }

  stream(channel: string): Observable<MessageEvent> {
    let subject = this.subjects.get(channel);
    if (!subject) {
      subject = new Subject();
      this.subjects.set(channel, subject);
      void this.redis.subscribe(channel);
    }
    return subject.pipe(finalize(() => this.left(channel)));
  }

  private left(channel: string): void {
    if (this.subjects.get(channel)?.observed) return;
    this.subjects.delete(channel);
    void this.redis.unsubscribe(channel);
  }
}
