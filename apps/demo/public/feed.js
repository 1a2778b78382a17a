// A list of lines in the order of their ids. The history and the stream's rewind overlap, so a line may come twice.
import { compareIds } from './ledger.js';

const MAX_LINES = 200;

export class Feed {
  #list;
  #render;
  #newestFirst;
  #ids = new Set();

  /** `render(data)` gives the main text's nodes. */
  constructor(list, { newestFirst, render }) {
    this.#list = list;
    this.#newestFirst = newestFirst;
    this.#render = render;
  }

  add({ id, data }) {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    const line = this.#line(id, data);
    const older = [...this.#list.children].findLast((other) => this.#isBefore(other.dataset.id, id));
    if (older) older.after(line);
    else this.#list.prepend(line);
    if (this.#list.childElementCount > MAX_LINES) this.#oldest.remove();
    this.#list.scrollTop = this.#newestFirst ? 0 : this.#list.scrollHeight;
  }

  get #oldest() {
    return this.#newestFirst ? this.#list.lastElementChild : this.#list.firstElementChild;
  }

  #isBefore(other, id) {
    return this.#newestFirst ? compareIds(other, id) > 0 : compareIds(other, id) < 0;
  }

  #line(id, data) {
    const line = document.createElement('li');
    line.dataset.id = id;
    const meta = document.createElement('div');
    meta.className = 'meta';
    // An id begins with the time at which Redis took the event.
    const time = new Date(Number(id.split('-')[0]));
    meta.textContent = `${time.toLocaleTimeString('en-GB')} · posted through ${data.by}`;
    line.append(...this.#render(data), meta);
    return line;
  }
}
