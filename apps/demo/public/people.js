// Who is here, in whichever process: the registry's answer, and its changes as they happen.

const MAX_LINES = 60;
const ASK_AGAIN = 1_000;
const WHY = {
  left: 'left',
  drained: 'handed over by its process',
  'node-lost': 'lost with its process',
  stalled: 'stopped reading',
  'max-age': 'was asked to connect anew',
};

export class People {
  #groups;
  #count;
  #log;
  /** The token of this tab, or of the browser whose tabs share a stream. */
  own;
  #asking;
  #asked = 0;
  #shown = 0;
  #read;
  #told = new Set();

  /** `read()` asks the registry, through whatever process answers. */
  constructor({ groups, count, log, own, read }) {
    this.#groups = groups;
    this.#count = count;
    this.#log = log;
    this.own = own;
    this.#read = read;
  }

  /** Somebody came or went. */
  add({ type, at, reason, person }) {
    const key = `${type} ${person.id} ${at}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#log.prepend(this.#line({ type, at, reason, person }));
    while (this.#log.childElementCount > MAX_LINES) this.#log.lastElementChild.remove();
    this.refresh();
  }

  /** Asks who is here: once, however many changes come at a time. */
  refresh() {
    if (this.#asking) return;
    this.#asking = setTimeout(() => {
      this.#asking = undefined;
      void this.#ask();
    }, 100);
  }

  /** Again where no process answers, since the change that asks is told once. An answer that is late is older than what is shown. */
  async #ask() {
    const asked = ++this.#asked;
    const answer = await this.#read();
    if (asked < this.#shown) return;
    if (answer) {
      this.#shown = asked;
      this.#show(answer);
    } else {
      setTimeout(() => this.refresh(), ASK_AGAIN);
    }
  }

  #show({ count, people }) {
    this.#count.textContent = count;
    const byProcess = Map.groupBy
      ? Map.groupBy(people, ({ process }) => process)
      : people.reduce((map, one) => map.set(one.process, [...(map.get(one.process) ?? []), one]), new Map());
    this.#groups.replaceChildren(
      ...[...byProcess.keys()]
        .sort((a, b) => a.localeCompare(b))
        .map((process) => this.#group(process, byProcess.get(process))),
    );
  }

  #group(process, people) {
    const group = document.createElement('div');
    group.className = 'group';
    group.dataset.process = process;
    const name = Object.assign(document.createElement('h3'), { textContent: process });
    const list = document.createElement('ul');
    for (const { id, tab, name } of people) {
      const one = Object.assign(document.createElement('li'), { textContent: name });
      one.dataset.id = id;
      one.classList.toggle('own', tab === this.own);
      list.append(one);
    }
    group.append(name, list);
    return group;
  }

  #line({ type, at, reason, person }) {
    const line = document.createElement('li');
    line.dataset.type = type;
    line.dataset.id = person.id;
    const time = new Date(at).toLocaleTimeString('en-GB');
    const what =
      type === 'connected' ? `came to ${person.process}` : `${WHY[reason] ?? reason} (${person.process})`;
    line.append(
      Object.assign(document.createElement('time'), { textContent: time }),
      Object.assign(document.createElement('b'), { textContent: person.name }),
      Object.assign(document.createElement('span'), { textContent: what }),
    );
    return line;
  }
}

const FIRST = [
  'Amber',
  'Brisk',
  'Calm',
  'Deft',
  'Eager',
  'Fleet',
  'Gentle',
  'Hazel',
  'Ivory',
  'Jolly',
  'Keen',
  'Lucid',
];
const LAST = [
  'Badger',
  'Crane',
  'Dormouse',
  'Egret',
  'Fox',
  'Gecko',
  'Heron',
  'Ibex',
  'Jay',
  'Kite',
  'Lynx',
  'Marten',
];

/** A name for a tab. */
export function nameOf() {
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  return `${pick(FIRST)} ${pick(LAST)}`;
}
