import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'puppeteer-core';

const SCRIPT = join(import.meta.dirname, 'build-pages.mjs');

/** The pages of this folder, as Vite builds them, on an origin of their own. */
export class BuiltPages {
  private constructor(
    private readonly url: string,
    /** Warnings and errors of the build. */
    readonly output: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<BuiltPages> {
    const folder = await mkdtemp(join(tmpdir(), 'client-bindings-'));
    // Without the options that Jest's own process needs.
    const env = { ...process.env, NODE_OPTIONS: '' };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [SCRIPT, folder], { env });
    const server = createServer((request, response) => {
      readFile(join(folder, basename(request.url!))).then(
        (text) =>
          response
            .writeHead(200, { 'content-type': 'text/javascript', 'access-control-allow-origin': '*' })
            .end(text),
        () => response.writeHead(404).end(),
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    return new BuiltPages(`http://127.0.0.1:${port}`, stdout + stderr, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    });
  }

  /** Loads a page's script, whose exports are `binding` in the page. */
  async load(page: Page, name: 'react' | 'vue' | 'query'): Promise<void> {
    await page.evaluate(
      `import(${JSON.stringify(`${this.url}/${name}-page.js`)}).then((exports) => { window.binding = exports; })`,
    );
  }
}
