import type { Asked, FromWorker, ToWorker } from './worker-protocol.js';

/** ms after which another tab is asked, too: a frozen one does not answer. */
const PATIENCE = 2_000;

type Answer = Extract<ToWorker, { kind: 'answer' }>;

interface Question {
  readonly id: number;
  readonly answer: Promise<Answer | undefined>;
  readonly settle: (answer?: Answer) => void;
}

/** Asks the tabs of a worker for what only a page knows: its token, its headers, its URL. */
export class TabAnswers {
  /** The tab that answered last is first. */
  private ports: MessagePort[] = [];
  /** By what is asked for: a function that is still at work is not called again. */
  private readonly questions = new Map<string, Question>();
  private count = 0;

  join(port: MessagePort): void {
    this.ports.unshift(port);
  }

  leave(port: MessagePort): void {
    this.ports = this.ports.filter((other) => other !== port);
  }

  take(answer: Answer, port: MessagePort): void {
    for (const { id, settle } of this.questions.values()) {
      if (id !== answer.id) continue;
      this.leave(port);
      this.join(port);
      settle(answer);
    }
  }

  tell(message: FromWorker): void {
    for (const port of this.ports) port.postMessage(message);
  }

  /**
   * A token may have to wait for a user: the first answer counts, however late it comes.
   *
   * @throws Error where the tab that answered could not tell, or no tab is left
   */
  async ask(option: Asked, refresh = false): Promise<unknown> {
    const key = `${option} ${refresh}`;
    const question = this.questions.get(key) ?? this.begin(key, option, refresh);
    const answer = await question.answer;
    if (!answer) throw new Error(`No tab has answered with its ${option}.`);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }

  private begin(key: string, option: Asked, refresh: boolean): Question {
    const id = this.count++;
    const asked = new Set<MessagePort>();
    let timer: ReturnType<typeof setTimeout>;
    let resolve!: Question['settle'];
    const answer = new Promise<Answer | undefined>((settle) => (resolve = settle));
    const settle: Question['settle'] = (answer) => {
      clearTimeout(timer);
      this.questions.delete(key);
      resolve(answer);
    };
    const askNext = (): void => {
      const port = this.ports.find((port) => !asked.has(port));
      if (this.ports.length === 0) return settle();
      if (port) {
        asked.add(port);
        port.postMessage({ kind: 'ask', id, option, refresh } satisfies FromWorker);
      }
      timer = setTimeout(askNext, PATIENCE);
    };
    const question = { id, answer, settle };
    this.questions.set(key, question);
    askNext();
    return question;
  }
}
