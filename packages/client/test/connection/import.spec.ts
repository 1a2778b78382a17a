import { runInNewContext } from 'node:vm';
import { bundle } from '../fixtures/client-page.js';

it('runs nothing when it is imported: no global of a page, nor of Node, is there', async () => {
  const script = await bundle('packages/client/src/index.ts', 'client');
  const names = runInNewContext(`${script}; Object.keys(client).join()`) as string;
  expect(names).toContain('StreamConnection');
});
