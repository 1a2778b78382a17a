import { jest } from '@jest/globals';
import { TabAnswers } from '../../src/share/tab-answers.js';
import type { FromWorker } from '../../src/share/worker-protocol.js';

type Question = Extract<FromWorker, { kind: 'ask' }>;

/** A tab that answers when the test says so. */
class Tab {
  readonly questions: Question[] = [];
  private readonly port = { postMessage: (question: Question) => this.questions.push(question) };

  constructor(private readonly answers: TabAnswers) {
    answers.join(this.port as unknown as MessagePort);
  }

  answer(value: string): void {
    const { id } = this.questions.at(-1)!;
    this.answers.take({ kind: 'answer', id, value }, this.port as unknown as MessagePort);
  }

  leave(): void {
    this.answers.leave(this.port as unknown as MessagePort);
  }
}

describe('a worker that asks its tabs for a token', () => {
  let answers: TabAnswers;

  beforeEach(() => {
    jest.useFakeTimers();
    answers = new TabAnswers();
  });
  afterEach(() => jest.useRealTimers());

  it('waits for the only tab for as long as its function takes, and has it called once', async () => {
    const tab = new Tab(answers);
    const token = answers.ask('token');
    await jest.advanceTimersByTimeAsync(60_000);
    tab.answer('late');
    await expect(token).resolves.toBe('late');
    expect(tab.questions).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('has a function called once for all that want its result meanwhile, and again for what comes later', async () => {
    const tab = new Tab(answers);
    const tokens = [answers.ask('token'), answers.ask('token')];
    expect(tab.questions).toHaveLength(1);
    tab.answer('one');
    await expect(Promise.all(tokens)).resolves.toEqual(['one', 'one']);
    void answers.ask('token');
    void answers.ask('token', true);
    void answers.ask('url');
    expect(tab.questions.map(({ option, refresh }) => [option, refresh])).toEqual([
      ['token', false],
      ['token', false],
      ['token', true],
      ['url', false],
    ]);
  });

  it('takes the first answer where one tab is frozen, and asks the tab that gave it first from then on', async () => {
    const [quick, frozen] = [new Tab(answers), new Tab(answers)];
    const token = answers.ask('token');
    await jest.advanceTimersByTimeAsync(2_000);
    expect([frozen.questions.length, quick.questions.length]).toEqual([1, 1]);
    quick.answer('quick');
    await expect(token).resolves.toBe('quick');
    void answers.ask('token');
    expect([frozen.questions.length, quick.questions.length]).toEqual([1, 2]);
  });

  it('asks a tab that comes while it waits for a frozen one', async () => {
    const frozen = new Tab(answers);
    const token = answers.ask('token');
    await jest.advanceTimersByTimeAsync(10_000);
    const late = new Tab(answers);
    await jest.advanceTimersByTimeAsync(2_000);
    late.answer('late');
    await expect(token).resolves.toBe('late');
    expect(frozen.questions).toHaveLength(1);
  });

  it('fails once the last tab has left', async () => {
    const tab = new Tab(answers);
    const failure = answers.ask('token').catch(String);
    tab.leave();
    await jest.advanceTimersByTimeAsync(2_000);
    await expect(failure).resolves.toContain('No tab has answered with its token.');
    expect(jest.getTimerCount()).toBe(0);
  });
});
