// The table of the processes.

export class Processes {
  #body;
  #rows = [];
  #lines = new Map();
  #servedBy;
  #acts;

  /** `acts.kill(pid)` and `acts.drain(pid)` */
  constructor(body, acts) {
    this.#body = body;
    this.#acts = acts;
    setInterval(() => this.#render(), 1_000);
  }

  update(rows) {
    this.#rows = rows;
    this.#render();
  }

  servedBy(process) {
    this.#servedBy = process;
    this.#render();
  }

  #render() {
    const most = Math.max(1, ...this.#rows.map(({ connections }) => connections));
    for (const row of this.#rows) this.#line(row.name).show(row, most, row.pid === this.#servedBy?.pid);
  }

  #line(name) {
    const line = this.#lines.get(name) ?? makeLine(this.#acts);
    if (!this.#lines.has(name)) {
      this.#lines.set(name, line);
      this.#body.append(line.element);
    }
    return line;
  }
}

const LINE = `
    <td><span class="who"></span><span class="you" hidden>this tab</span></td>
    <td class="mono pid"></td>
    <td><span class="state"></span></td>
    <td class="restarts"></td>
    <td class="uptime"></td>
    <td><div class="share"><b></b><div class="bar"><i></i></div></div></td>
    <td><span class="buttons"><button type="button" class="drain">drain</button><button type="button" class="kill">kill -9</button></span></td>`;

function makeLine(acts) {
  const element = document.createElement('tr');
  element.innerHTML = LINE;
  const find = (selector) => element.querySelector(selector);
  const buttons = { kill: find('.kill'), drain: find('.drain') };
  let pid;
  /** Which process has been asked to end, and how. */
  const asked = {};
  for (const [act, button] of Object.entries(buttons)) {
    button.addEventListener('click', () => {
      asked[act] = pid;
      button.disabled = true;
      acts[act](pid);
    });
  }
  return {
    element,
    show(row, most, isOurs) {
      pid = row.pid;
      element.dataset.name = row.name;
      element.dataset.pid = row.pid;
      find('.who').textContent = row.name;
      find('.you').hidden = !isOurs;
      find('.pid').textContent = row.pid;
      find('.state').textContent = row.state;
      find('.state').className = `state ${row.state}`;
      find('.restarts').textContent = row.generation - 1;
      find('.uptime').textContent = row.state === 'down' ? '–' : duration(Date.now() - row.since);
      find('.share b').textContent = row.connections;
      find('.bar i').style.width = `${(100 * row.connections) / most}%`;
      buttons.kill.disabled = row.state === 'down' || asked.kill === row.pid;
      buttons.drain.disabled = row.state !== 'up' || asked.drain === row.pid;
      buttons.kill.setAttribute('aria-label', `kill -9 ${row.name}, pid ${row.pid}`);
      buttons.drain.setAttribute('aria-label', `drain ${row.name}, pid ${row.pid}`);
    },
  };
}

function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
