// The nodes of the private Redis Cluster, and what the last failover did. Without `--cluster` nothing of it shows.

export class Cluster {
  #parts;
  #shards;
  #button;
  #outcome;
  #lines = new Map();

  constructor({ parts, shards, button, outcome }) {
    this.#parts = parts;
    this.#shards = shards;
    this.#button = button;
    this.#outcome = outcome;
  }

  update(nodes) {
    for (const part of this.#parts) part.hidden = false;
    for (const node of nodes) this.#line(node).show(node);
  }

  begin() {
    this.#button.disabled = true;
    this.#outcome.textContent = 'Failing over …';
  }

  /** `through` is the process whose publishing was measured. */
  end({ from, to, took, held, refused, through }) {
    this.#button.disabled = false;
    const refusals = refused === 0 ? 'none was refused' : `${refused} refused`;
    this.#outcome.textContent =
      `Port ${to} has the hub's slot now: it took over from port ${from} in ${duration(took)}. ` +
      `Publishing through ${through} stood still for at most ${duration(held)}, ${refusals}.`;
  }

  fail(reason) {
    this.#button.disabled = false;
    this.#outcome.textContent = reason;
  }

  #line({ port, shard }) {
    const known = this.#lines.get(port);
    if (known) return known;
    const line = makeLine();
    this.#lines.set(port, line);
    this.#shard(shard).append(line.element);
    return line;
  }

  #shard(number) {
    const known = this.#shards.querySelector(`[data-shard="${number}"] ul`);
    if (known) return known;
    const shard = Object.assign(document.createElement('div'), { className: 'shard' });
    shard.dataset.shard = number;
    const list = document.createElement('ul');
    shard.append(Object.assign(document.createElement('h3'), { textContent: `shard ${number}` }), list);
    this.#shards.append(shard);
    return list;
  }
}

function makeLine() {
  const element = document.createElement('li');
  element.innerHTML = `<span class="mono port"></span><span class="role"></span><span class="you" hidden>hub's slot</span>`;
  const find = (selector) => element.querySelector(selector);
  return {
    element,
    show({ port, role, hasHub }) {
      element.dataset.port = port;
      find('.port').textContent = `port ${port}`;
      find('.role').textContent = role;
      find('.role').className = `role ${role}`;
      find('.you').hidden = !hasHub;
    },
  };
}

function duration(ms) {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
