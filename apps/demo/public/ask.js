// The panel of the mock model: an answer is a run on the server, and this is one of its readers.
import { fetchState } from 'nestjs-sse-redis-client';
import { insist, pause } from './post.js';

const CHANNEL = 'ask';
const AGAIN_AFTER = 300;

const ENDS = {
  done: ({ had, of }) => (had === of ? `whole: ${had} of ${of} tokens` : `done, with ${had} of ${of} tokens`),
  stopped: ({ had, of }) => `stopped after ${had} of ${of} tokens`,
  interrupted: ({ had, of, by }) =>
    `interrupted after ${had} of ${of} tokens: ${by.name} has died. Ask again.`,
  failed: ({ had, of }) => `failed after ${had} of ${of} tokens`,
};

export class Ask {
  #parts;
  #kill;
  #channel;
  /** The last event that this panel has had. */
  #last;
  #question;
  #by;
  #of = 0;
  #text = '';
  #hasGap = false;
  #isRendering = false;
  state = 'idle';

  /** `parts`: `form`, `stop`, `kill`, `question`, `text`, `verdict`. `kill(pid)` ends a process. */
  constructor({ parts, kill, pace }) {
    this.#parts = parts;
    this.#kill = kill;
    parts.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#ask(pace);
    });
    parts.form.addEventListener('input', ({ target }) => target.setCustomValidity(''));
    // No answer is an answer: the process that took this may be the one that ends.
    const stop = () => fetch('/ask/answer', { method: 'DELETE' }).catch(() => undefined);
    parts.stop.addEventListener('click', () => void stop());
    parts.kill.addEventListener('click', () => this.#by && this.#kill(this.#by.pid));
    this.#render();
  }

  get text() {
    return this.#text;
  }

  get verdict() {
    const figures = { had: this.#text.split(' ').length - 1, of: this.#of, by: this.#by };
    if (this.state === 'idle') return 'nothing asked yet';
    const told = ENDS[this.state]?.(figures) ?? `${figures.had} of ${figures.of} tokens, by ${this.#by.name}`;
    return this.#hasGap ? `${told}; a part is missing, as a gap told` : told;
  }

  /** Reads on with another client, after the last event; at first after the beginning of the last answer. */
  async follow(client) {
    this.#channel?.close();
    this.#channel = undefined;
    const after = this.#last ?? (await this.#beginning());
    if (client.state.reason === 'closed' || this.#channel) return;
    this.#channel = client.channel(CHANNEL, { after });
    this.#channel.onEvent((event) => this.#receive(event));
  }

  async #beginning() {
    for (;;) {
      try {
        const { state, cursor } = await fetchState('/ask');
        return state.run?.id ?? cursor;
      } catch {
        await pause(AGAIN_AFTER);
      }
    }
  }

  #receive({ type, id, data }) {
    if (id) this.#last = id;
    if (type === 'question') {
      this.#question = data.question;
      this.#by = data.by;
      this.#of = data.of;
      this.#text = '';
      this.#hasGap = false;
      this.state = 'running';
    } else if (type === 'message') this.#text += data;
    else if (type === 'gap') this.#hasGap = true;
    else if (type === 'end' && this.#by) this.state = data.outcome;
    this.#render();
  }

  async #ask(pace) {
    const { question } = this.#parts.form.elements;
    try {
      // Safe to repeat: an answer that is going on is joined.
      await insist('/ask/answer', { question: question.value, ...(pace && { pace }) });
    } catch (error) {
      question.setCustomValidity(error.message);
      question.reportValidity();
    }
  }

  #render() {
    if (this.#isRendering) return;
    this.#isRendering = true;
    setTimeout(() => {
      this.#isRendering = false;
      this.#show();
    }, 30);
  }

  #show() {
    const { form, stop, kill, question, text, verdict } = this.#parts;
    const isRunning = this.state === 'running';
    question.textContent = this.#question ?? '';
    text.textContent = this.#text;
    text.scrollTop = text.scrollHeight;
    verdict.textContent = this.verdict;
    verdict.dataset.state = this.state;
    form.querySelector('button').disabled = isRunning;
    stop.disabled = !isRunning;
    kill.disabled = !isRunning;
    kill.textContent = this.#by ? `kill -9 ${this.#by.name}` : 'kill -9';
  }
}
