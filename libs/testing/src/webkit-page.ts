import type { EvaluateFunc } from 'puppeteer-core';

type Request = (method: string, path: string, body?: object) => Promise<unknown>;

/** A page of WebKit, with what all tests of pages need, called as puppeteer has it. */
export class WebKitPage {
  /** @param request a request of WebDriver for this page */
  constructor(private readonly request: Request) {}

  async goto(url: string): Promise<null> {
    await this.request('POST', '/url', { url });
    return null;
  }

  async reload(): Promise<null> {
    await this.request('POST', '/refresh');
    return null;
  }

  /**
   * Runs a script, or a function with arguments that JSON can carry.
   *
   * @returns what it returns, or resolves with, as JSON carries it
   */
  async evaluate<Params extends unknown[], Func extends EvaluateFunc<Params> = EvaluateFunc<Params>>(
    script: Func | string,
    ...args: Params
  ): Promise<Awaited<ReturnType<Func>>> {
    const isText = typeof script === 'string';
    const call = isText ? '(0, eval)(arguments[0])' : `(${script.toString()})(...arguments)`;
    const text = await this.request('POST', '/execute/sync', {
      script: `return Promise.resolve(${call}).then((value) => JSON.stringify({ value }))`,
      args: isText ? [script] : args,
    });
    return (JSON.parse(text as string) as { value: Awaited<ReturnType<Func>> }).value;
  }

  async close(): Promise<void> {
    await this.request('DELETE', '/window');
  }
}
