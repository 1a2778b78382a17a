import { join } from 'node:path';
import { compilePage } from './compile-page.js';

const OPTIONS = join(import.meta.dirname, '../../src/connection/connection-options.ts');
const TEXT = `
import type { ConnectionOptions } from '../../src/connection/connection-options.js';
declare const maybe: string | undefined;
export const fine: ConnectionOptions[] = [
  { url: '/events', headers: { 'x-tenant': '1' }, credentials: 'include' },
  { url: '/events', headers: new Headers(), token: maybe === undefined ? undefined : () => maybe, lastEventId: maybe },
];
// @ts-expect-error -- checked, and not any
export const headers: ConnectionOptions = { url: '/events', headers: 7 };
// @ts-expect-error -- checked, and not any
export const credentials: ConnectionOptions = { url: '/events', credentials: 'always' };
`;
const DOM = ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'];

it.each([
  ['a program for Node, without the types of the DOM', ['lib.es2023.d.ts']],
  ['a page', DOM],
])('checks the options of a connection in %s, also with exactOptionalPropertyTypes', (_, lib) => {
  expect(compilePage(TEXT, lib, [OPTIONS])).toEqual([]);
});

const MAYBE = `
import type { ChannelHandlers } from '../../src/client/channel-handlers.js';
import type { ShareOptions } from '../../src/share/share-options.js';
import type { CloseOptions } from '../../src/stream/event-stream.interface.js';
import type { QueryHandlers } from '../../src/tanstack-query/bridge-queries.js';
declare const is: boolean;
type Events = { readonly paid: number };
export const share: ShareOptions = {
  key: 'anna',
  worker: is ? false : undefined,
  onRole: is ? () => undefined : undefined,
  leaderTimeout: is ? 500 : undefined,
};
export const close: CloseOptions = { everywhere: is ? true : undefined };
export const handlers: ChannelHandlers<Events> = { paid: is ? (amount) => amount.toFixed() : undefined };
export const queries: QueryHandlers<Events> = { paid: is ? (amount) => void amount.toFixed() : undefined };
// @ts-expect-error -- checked, and not any
export const wrong: ChannelHandlers<Events> = { paid: is ? (amount: string) => amount : undefined };
`;

it('takes undefined for whatever may be left out, with exactOptionalPropertyTypes', () => {
  expect(compilePage(MAYBE, DOM)).toEqual([]);
});
