// The table of the processes.

export class Processes {
  #body;
  #rows = [];
  #lines = new Map();
  #servedBy;
  #onKill;

  constructor(body, onKill) {
    this.#body = body;
    this.#onKill = onKill;
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
    const line = this.#lines.get(name) ?? makeLine(this.#onKill);
    if (!this.#lines.has(name)) {
      this.#lines.set(name, line);
      this.#body.append(line.element);
    }
    return line;
  }
}

function makeLine(onKill) {
  const element = document.createElement('tr');
  element.innerHTML = `
    <td><span class="who"></span><span class="you" hidden>this tab</span></td>
    <td class="mono pid"></td>
    <td><span class="state"></span></td>
    <td class="restarts"></td>
    <td class="uptime"></td>
    <td><div class="share"><b></b><div class="bar"><i></i></div></div></td>
    <td><button type="button" class="kill">kill -9</button></td>`;
  const find = (selector) => element.querySelector(selector);
  const button = find('.kill');
  let pid;
  let doomed;
  button.addEventListener('click', () => {
    doomed = pid;
    button.disabled = true;
    onKill(pid);
  });
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
      button.disabled = row.state === 'down' || doomed === row.pid;
      button.setAttribute('aria-label', `kill -9 ${row.name}, pid ${row.pid}`);
    },
  };
}

function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
