// One stream for all tabs of this browser: the switch, and which tab has the stream.
import { token } from './post.js';

const CHOICE = 'demo-share';
const BROWSER = 'demo-browser';
const LOCK = 'nestjs-sse-redis demo tab ';
const LOOK_EVERY = 1_000;

const TEXTS = {
  leader: (count) =>
    `This tab has the stream of ${tabs(count)}. Close it, and another one takes over, without a loss.`,
  follower: (count) =>
    `Another tab has the stream of ${tabs(count)}. This one receives the same events by it.`,
  alone: () =>
    'This browser cannot share here, so this tab has a stream of its own: that takes HTTPS or localhost.',
};

const tabs = (count) => (count === 1 ? 'one tab' : `${count} tabs`);

export class Share {
  #parts;
  #own;
  #role;
  #release;
  #names = '';

  /** `parts`: `button`, `panel`, `text`, `list`. `changed()` is called when the switch turns, in any tab. */
  constructor({ parts, name, changed }) {
    this.#parts = parts;
    // Long before it is needed: what one tab writes is not at once what another one reads.
    if (!read(BROWSER)) write(BROWSER, token());
    this.#own = { tab: token(), name };
    parts.button.addEventListener('click', () => {
      write(CHOICE, this.isOn ? 'off' : 'on');
      this.#show();
      changed();
    });
    addEventListener('storage', ({ key }) => {
      if (key !== CHOICE) return;
      this.#show();
      changed();
    });
    setInterval(() => void this.#look(), LOOK_EVERY);
    this.#show();
  }

  get isOn() {
    return read(CHOICE) === 'on';
  }

  /** What all tabs of this browser have in common. */
  get browser() {
    return read(BROWSER);
  }

  /** Of this tab: `leader`, `follower`, `alone`; undefined where it does not share, or does not know yet. */
  role(role) {
    this.#role = role;
    this.#hold();
    this.#show();
  }

  /** A tab is known to the others by a lock, which the browser takes from one that is gone. */
  #hold() {
    this.#release?.();
    this.#release = undefined;
    const { locks } = navigator;
    if (!this.#role || !locks) return;
    const name = LOCK + JSON.stringify({ ...this.#own, role: this.#role });
    void locks.request(name, () => new Promise((resolve) => (this.#release = resolve)));
    void this.#look();
  }

  async #look() {
    const { locks } = navigator;
    if (!this.isOn || !locks) return;
    const { held = [] } = await locks.query();
    const found = held
      .filter(({ name }) => name.startsWith(LOCK))
      .map(({ name }) => JSON.parse(name.slice(LOCK.length)))
      .sort((a, b) => a.name.localeCompare(b.name) || a.tab.localeCompare(b.tab));
    const names = JSON.stringify(found);
    if (names === this.#names) return;
    this.#names = names;
    this.#parts.list.replaceChildren(...found.map((one) => this.#item(one)));
    this.#show();
  }

  #item({ tab, name, role }) {
    const item = Object.assign(document.createElement('li'), { textContent: name });
    item.dataset.role = role;
    item.classList.toggle('own', tab === this.#own.tab);
    if (role === 'leader')
      item.append(Object.assign(document.createElement('em'), { textContent: 'has the stream' }));
    return item;
  }

  #show() {
    const { button, panel, text, list } = this.#parts;
    button.setAttribute('aria-checked', String(this.isOn));
    panel.hidden = !this.isOn;
    const told = TEXTS[this.#role]?.(Math.max(1, list.childElementCount)) ?? 'Looking for the other tabs …';
    if (text.textContent !== told) text.textContent = told;
  }
}

/** A page may be without storage: then each of its tabs is a browser of its own. */
const memory = new Map();

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return memory.get(key) ?? null;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    memory.set(key, value);
  }
}
