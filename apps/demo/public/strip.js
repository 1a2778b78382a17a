// The strip: one tick for each event, left to right, row under row; when it is full, the oldest row goes.

const PITCH = 4;
const TICK = 3;
const ROW = 17;
const HEIGHT = 13;
/** As many ticks as it should hold at least, however narrow: more than the largest flood. */
const CAPACITY = 1_150;

/** Kinds whose ticks are told apart by more than their colour. */
const SHAPES = {
  processes: (context, x, y) => context.fillRect(x, y + HEIGHT - 5, TICK, 5),
  served: (context, x, y) => context.fillRect(x, y - 2, TICK, HEIGHT + 4),
  lost: (context, x, y) => context.fillRect(x, y - 2, TICK, HEIGHT + 4),
  doubled: (context, x, y) => {
    context.fillRect(x, y - 2, TICK, 6);
    context.fillRect(x, y + HEIGHT - 4, TICK, 6);
  },
};

export class Strip {
  #canvas;
  #kinds = [];
  #columns = 1;
  #rows = 1;
  #scheduled = false;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#layOut()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    this.#layOut();
  }

  /** `kind` is a channel, or what was wrong: `lost`, `doubled`, `disordered`, `told`. */
  add(kind, times = 1) {
    for (let i = 0; i < Math.min(times, CAPACITY); i++) this.#kinds.push(kind);
    const capacity = this.#columns * this.#rows;
    while (this.#kinds.length >= capacity) this.#kinds.splice(0, this.#columns);
    this.#redraw();
  }

  #layOut() {
    const width = this.#canvas.clientWidth;
    if (width === 0) return;
    this.#columns = Math.floor((width + PITCH - TICK) / PITCH);
    this.#rows = Math.ceil(CAPACITY / this.#columns) + 1;
    const ratio = devicePixelRatio || 1;
    const height = this.#rows * ROW;
    this.#canvas.style.height = `${height}px`;
    this.#canvas.width = width * ratio;
    this.#canvas.height = height * ratio;
    this.#canvas.getContext('2d').scale(ratio, ratio);
    this.#draw();
  }

  #redraw() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw() {
    const context = this.#canvas.getContext('2d');
    const colours = readColours();
    context.clearRect(0, 0, this.#canvas.clientWidth, this.#rows * ROW);
    for (let i = 0; i < this.#columns * this.#rows; i++) {
      const kind = this.#kinds[i] ?? 'slot';
      const x = (i % this.#columns) * PITCH;
      const y = Math.floor(i / this.#columns) * ROW + (ROW - HEIGHT) / 2;
      context.fillStyle = colours.slot;
      context.fillRect(x, y, TICK, HEIGHT);
      context.fillStyle = colours[kind];
      const shape = SHAPES[kind];
      if (shape) shape(context, x, y);
      else context.fillRect(x, y, TICK, HEIGHT);
    }
  }
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`);
  return {
    slot: colour('slot'),
    news: colour('news'),
    chat: colour('chat'),
    flood: colour('flood'),
    processes: colour('quiet'),
    cluster: colour('quiet'),
    served: colour('handover'),
    told: colour('told'),
    lost: colour('bad'),
    doubled: colour('bad'),
    disordered: colour('bad'),
  };
}
