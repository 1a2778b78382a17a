import { freePort, until } from '@nestjs-sse-redis/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const deploy = fileURLToPath(new URL('../../../../deploy', import.meta.url));

/** How a configuration of `deploy/` is run in the foreground. */
export interface ProxyProgram {
  readonly name: string;
  readonly binary: string;
  /** Of `deploy/`. */
  readonly file: string;
  /** What the distribution's main configuration has around it. */
  readonly wrap?: (folder: string) => string;
  readonly args: (folder: string, port: number) => readonly string[];
}

const modules = [
  ...['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'proxy_balancer', 'lbmethod_byrequests'],
  ...['slotmem_shm', 'asis', 'alias'],
];

export const NGINX: ProxyProgram = {
  name: 'nginx',
  binary: 'nginx',
  file: 'nginx.conf',
  wrap: (folder) =>
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events {}\n` +
    `http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; ` +
    `fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;\n` +
    `include ${folder}/nginx.conf; }\n`,
  args: (folder) => ['-p', folder, '-e', `${folder}/error.log`, '-c', `${folder}/main.conf`],
};

/** The one-liner of a tutorial. */
export const PLAIN_NGINX = `
upstream app { server 127.0.0.1:3001; server 127.0.0.1:3002; }
server {
  listen 80;
  location / { proxy_pass http://app; }
}
`;

export const PROXIES: readonly ProxyProgram[] = [
  NGINX,
  {
    name: 'HAProxy',
    binary: 'haproxy',
    file: 'haproxy.cfg',
    args: (folder) => ['-db', '-f', `${folder}/haproxy.cfg`],
  },
  {
    name: 'Caddy',
    binary: 'caddy',
    file: 'Caddyfile',
    wrap: () => '{\n  admin off\n}\nimport Caddyfile\n',
    args: (folder) => ['run', '--adapter', 'caddyfile', '--config', `${folder}/main.conf`],
  },
  {
    name: 'Apache',
    binary: 'apache2',
    file: 'apache.conf',
    wrap: (folder) =>
      [
        ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
        ...[`ServerName localhost`, `PidFile ${folder}/pid`, `ErrorLog ${folder}/error.log`],
        ...[`DefaultRuntimeDir ${folder}`, `DocumentRoot ${folder}`, `Include ${folder}/apache.conf`, ''],
      ].join('\n'),
    args: (folder) => ['-DFOREGROUND', '-f', `${folder}/main.conf`],
  },
  {
    name: 'Varnish',
    binary: 'varnishd',
    file: 'varnish.vcl',
    args: (folder, port) => [
      ...['-F', '-n', `${folder}/work`, '-a', `127.0.0.1:${port}`, '-f', `${folder}/varnish.vcl`],
    ],
  },
  {
    name: 'Envoy',
    binary: 'envoy',
    file: 'envoy.yaml',
    args: (folder) => ['-c', `${folder}/envoy.yaml`, '--use-dynamic-base-id'],
  },
];

/** `npm run test:proxies` names them. */
const pathOf = (binary: string): string => process.env[`PROXY_${binary.toUpperCase()}`] ?? binary;

/** A proxy of its own process, with the shipped configuration: its ports and the folder of its files are replaced, nothing else. */
export class Proxy {
  static async start(
    program: ProxyProgram,
    [first, second]: readonly [number, number],
    plain?: string,
  ): Promise<Proxy> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'proxy-'));
    // Workers of some proxies run as users of their own.
    await chmod(folder, 0o755);
    await cp(deploy, folder, { recursive: true });
    const shipped = plain ?? (await readFile(join(deploy, program.file), 'utf8'));
    const text = shipped
      .replaceAll('3001', String(first))
      .replaceAll('3002', String(second))
      .replace(/(^:|^\s*listen |^\s*bind :|^Listen |port_value: )80\b/m, `$1${port}`)
      .replace(/\/etc\/(haproxy|apache2)\//g, `${folder}/`);
    await writeFile(join(folder, program.file), text);
    if (program.wrap) await writeFile(join(folder, 'main.conf'), program.wrap(folder));
    const child = spawn(pathOf(program.binary), program.args(folder, port), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const proxy = new Proxy(child, folder, port);
    await until(() => proxy.isListening(), { message: `${program.name} listens\n`, interval: 50 }).catch(
      async (error: Error) => {
        const { output } = proxy;
        await proxy.stop();
        throw new Error(`${error.message}\n${output}`);
      },
    );
    return proxy;
  }

  output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly port: number,
  ) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (data: Buffer) => (this.output += data.toString()));
    }
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill('SIGTERM');
      const impatience = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(impatience);
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private isListening(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      const answer = (isUp: boolean): void => {
        socket.destroy();
        resolve(isUp);
      };
      socket.once('connect', () => answer(true));
      socket.once('error', () => answer(false));
    });
  }
}
