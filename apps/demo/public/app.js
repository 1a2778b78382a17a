import { Ask } from './ask.js';
import { Cluster } from './cluster.js';
import { Feed } from './feed.js';
import { flood } from './flood.js';
import { hooks } from './hooks.js';
import { compareIds, Ledger } from './ledger.js';
import { nameOf, People } from './people.js';
import { token } from './post.js';
import { postForm } from './post-form.js';
import { Processes } from './processes.js';
import { Share } from './share.js';
import { Stream } from './stream.js';
import { Strip } from './strip.js';

const $ = (id) => document.getElementById(id);
const number = (n) => n.toLocaleString('en-US');
const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

const EPHEMERAL = new Set(['processes']);
const query = new URLSearchParams(location.search);
const floodSize = Math.min(Math.max(Number(query.get('flood')) || 1_000, 1), 5_000);

const ledger = new Ledger();
const strip = new Strip($('strip'));
// No answer is an answer: the process that took this may be the one that ends.
const end = (how) => (pid) => fetch(`/processes/${pid}/${how}`, { method: 'POST' }).catch(() => undefined);
const processes = new Processes($('processes'), { kill: end('kill'), drain: end('drain') });
const cluster = new Cluster({
  parts: [$('cluster'), $('cluster-legend')],
  shards: $('shards'),
  button: $('fail-over'),
  outcome: $('failover'),
});
const news = new Feed($('news'), {
  newestFirst: true,
  render: ({ headline }) => [element('span', headline)],
});
const chat = new Feed($('chat'), {
  newestFirst: false,
  render: ({ name, text }) => [element('b', name), element('span', `  ${text}`)],
});

/** This tab in the registry: who it is, and what it is called. */
const tab = token();
const ownName = query.get('name') ?? nameOf();
$('own-name').textContent = ownName;

/** The processes that have served this tab, oldest first. */
const served = [];
let serving;
let lastServed;
let lostSight; // When the stream broke.
let move = '';
let failedOver = false;
let drop = 0; // For the test: flood events to be kept from the ledger.

const handlers = {
  news: (event) => news.add(event),
  chat: (event) => chat.add(event),
  processes: ({ data }) => processes.update(data),
  people: ({ data }) => people.add(data),
  cluster: ({ data: { nodes, failover } }) => {
    if (nodes) cluster.update(nodes);
    if (failover) showFailover(failover);
  },
  served: ({ id, data }) => {
    lastServed = id;
    ledger.join();
    const before = served.at(-1);
    served.push({ ...data, after: ledger.run?.numbers.length ?? 0 });
    serving = data;
    processes.servedBy(data);
    const away = ((performance.now() - lostSight) / 1_000).toFixed(1);
    lostSight = undefined;
    if (!before) return;
    move = `This tab moved from ${before.name} (pid ${before.pid}) to ${data.name} (pid ${data.pid}), ${away} s without a stream.`;
  },
};

const asked = new Ask({
  parts: {
    ...{ form: $('ask-form'), stop: $('ask-stop'), kill: $('ask-kill') },
    ...{ question: $('ask-question'), text: $('ask-text'), verdict: $('ask-verdict') },
  },
  kill: end('kill'),
  pace: Number(query.get('pace')) || undefined,
});
const share = new Share({
  parts: { button: $('share'), panel: $('sharing'), text: $('sharing-text'), list: $('tabs') },
  name: ownName,
  changed: () => stream.state !== 'cut' && openStream(),
});

const stream = new Stream({
  event: receive,
  state: stateChanged,
  role: (role) => share.role(role),
  client: (client) => void asked.follow(client),
});

/** Who this tab is in the registry: itself, or the browser whose tabs have one stream. */
const self = () => (share.isOn ? share.browser : tab);

function openStream() {
  people.own = self();
  const address = `/events?${new URLSearchParams({ tab: self(), name: ownName })}`;
  // The name is that of the tab that has the stream, so that the addresses of tabs differ.
  stream.open(share.isOn ? { address: () => address, key: share.browser } : { address });
}

function receive({ type, id, data, channel }) {
  // The panel reads it by itself, from the beginning of an answer on: other events were before that.
  if (channel === 'ask') return;
  if (type === 'flood' && drop > 0) {
    drop--;
    return;
  }
  if (type === 'gap') {
    ledger.gap({ id, channel: data.channel });
    strip.add('told');
  } else {
    const { kind, missing } = ledger.receive({ channel: type, id, data, ephemeral: EPHEMERAL.has(type) });
    if (missing > 0) strip.add(kind, missing);
    strip.add(kind === 'doubled' || kind === 'disordered' ? kind : type);
    handlers[type]?.({ id, data });
  }
  renderSoon();
}

function stateChanged(state) {
  if (state === 'open') {
    void refresh();
    setTimeout(() => void refreshProcesses(), REPORTED_WITHIN);
  } else {
    lostSight ??= performance.now();
    serving = undefined;
    processes.servedBy(undefined);
  }
  renderSoon();
}

const read = (path) =>
  fetch(path)
    .then((response) => (response.ok ? response.json() : undefined))
    .catch(() => undefined);

const people = new People({
  groups: $('people'),
  count: $('people-count'),
  log: $('changes'),
  own: tab,
  read: () => read('/people'),
});

async function refreshProcesses() {
  const rows = await read('/processes');
  if (rows) processes.update(rows);
}

/** What the stream does not replay: how the processes are now, and news older than the rewind. */
async function refresh() {
  people.refresh();
  const [recent] = await Promise.all([read(`/events/recent?tab=${self()}`), refreshProcesses()]);
  if (!recent) return;
  if (recent.nodes) cluster.update(recent.nodes);
  recent.news.forEach((event) => news.add(event));
  recent.chat.forEach((event) => chat.add(event));
  if (stream.role === 'follower') joinStream(recent);
}

/** A tab that joins the stream of another has missed by whom that is served, and how floods that are running began. */
function joinStream({ served, floods }) {
  ledger.join(floods);
  const isNews = served && (!lastServed || compareIds(served.id, lastServed) > 0);
  if (isNews || (served && !serving)) handlers.served(served);
  renderSoon();
}

/** Processes report their connections a moment later than these change, and a stream that has just begun may miss it. */
const REPORTED_WITHIN = 600;

// A tab without a stream can still kill.
setInterval(() => {
  if (stream.state !== 'open') void refreshProcesses();
}, 1_000);

// Timers, not animation frames: a tab in the background gets none, and is to be right all the same.
let rendering;
function renderSoon() {
  rendering ??= setTimeout(() => {
    rendering = undefined;
    render();
  }, 30);
}

function render() {
  for (const name of ['received', 'lost', 'doubled', 'disordered', 'gaps']) {
    const count = ledger.counts[name];
    $(`count-${name}`).textContent = number(count);
    $(`count-${name}`).parentElement.classList.toggle('some', name !== 'received' && count > 0);
  }
  const { state, text } = ledger.verdict;
  $('verdict-text').textContent = text;
  // Screen readers are told when it turns, not at each event.
  if ($('verdict').dataset.state !== state) $('announce').textContent = text;
  $('verdict').dataset.state = state;

  $('served').dataset.state = stream.state;
  $('served-by').textContent = serving ? `${serving.name} (pid ${serving.pid})` : 'nobody';
  $('state').textContent = stream.state === 'cut' ? 'cut off' : stream.state;
  $('moves').textContent = stream.reconnects
    ? ` · ${stream.reconnects} ${stream.reconnects === 1 ? 'reconnect' : 'reconnects'}`
    : ' · first stream';
  if (move) $('hint').textContent = move;
  if (failedOver) $('failover-verdict').textContent = `This tab: ${text}.`;
}

async function startFlood(onProgress) {
  const button = $('flood');
  button.disabled = true;
  await flood(floodSize, (n) => {
    onProgress?.();
    button.textContent = `Flooding: ${number(n)} of ${number(floodSize)}`;
  });
  button.textContent = `Flood ${number(floodSize)} events`;
  button.disabled = false;
}

/** Resolves when a flood is under way. */
function floodUnderWay() {
  if ($('flood').disabled) return Promise.resolve();
  return new Promise((resolve) => void startFlood(resolve));
}

function showFailover(failover) {
  cluster.end(failover);
  failedOver = true;
  renderSoon();
}

async function failOver() {
  cluster.begin();
  await floodUnderWay();
  const response = await fetch('/cluster/failover', { method: 'POST' }).catch(() => undefined);
  const answer = await response?.json().catch(() => undefined);
  if (response?.ok && answer) showFailover(answer);
  else
    cluster.fail(answer?.message ?? 'The process that was asked has ended. The nodes show how things are.');
}

$('flood').textContent = `Flood ${number(floodSize)} events`;
$('flood').addEventListener('click', () => void startFlood());

$('fail-over').addEventListener('click', () => void failOver());

$('line').addEventListener('click', ({ currentTarget }) => {
  const on = currentTarget.getAttribute('aria-checked') !== 'true';
  currentTarget.setAttribute('aria-checked', String(on));
  if (on) openStream();
  else stream.cut();
});

for (const path of ['news', 'chat']) postForm($(`${path}-form`), `/${path}`);

$('curl').textContent = [
  `curl -N ${location.origin}/news`,
  `curl -X POST ${location.origin}/news -H 'content-type: application/json' -d '{"headline":"Hello from curl"}'`,
].join('\n');

window.demo = hooks({
  ledger,
  stream,
  asked,
  served,
  serving: () => serving,
  drop: (count) => (drop = count),
});

openStream();
