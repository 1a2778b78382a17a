import type { AbstractHttpAdapter } from '@nestjs/core';
import { IncomingMessage, ServerResponse, type Server } from 'node:http';

/** What this needs of an `express()`: the prototypes that it gives to requests and responses. */
interface ExpressApplication {
  request: object;
  response: object;
}

/** How Node keeps the classes of the documented options `IncomingMessage` and `ServerResponse` of `http.createServer`. */
type ServerClasses = Record<symbol, unknown>;

/**
 * Makes the server of an Express application create requests and responses with the prototypes that Express wants.
 *
 * Express changes the prototype of each (`app.handle`), and it and others set properties afterwards. V8 shares no hidden
 * class between objects whose prototype was changed and that got another property then; so each of them had one of its
 * own, with a list of its forty properties, left as many behind while they were set, and whoever read a property of it
 * went the slow way. With the right prototype from the beginning Express' change is none. Decision 010 has the figures.
 *
 * Nothing is done where the adapter is not Express', or where Node or somebody else has other classes than the usual.
 */
export function alignExpressClasses(adapter: AbstractHttpAdapter | undefined): void {
  if (adapter?.getType() !== 'express') return;
  const server = adapter.getHttpServer() as Server | undefined;
  const express = adapter.getInstance<Partial<ExpressApplication>>();
  if (!server || !isApplication(express)) return;
  const classes = server as unknown as ServerClasses;
  const request = keyOf(classes, 'IncomingMessage', IncomingMessage);
  const response = keyOf(classes, 'ServerResponse', ServerResponse);
  if (request === undefined || response === undefined) return;

  const requests = subclass(IncomingMessage, express.request);
  const responses = subclass(ServerResponse, express.response);
  express.request = requests.prototype;
  express.response = responses.prototype;
  classes[request] = requests;
  classes[response] = responses;
}

function isApplication(express: Partial<ExpressApplication>): express is ExpressApplication {
  const { request, response } = express;
  return inherits(request, IncomingMessage) && inherits(response, ServerResponse);
}

function inherits(prototype: object | undefined, from: { readonly prototype: object }): boolean {
  return prototype !== undefined && from.prototype.isPrototypeOf(prototype);
}

/** The symbol under which the server keeps this class; undefined if it keeps another. */
function keyOf(classes: ServerClasses, name: string, usual: unknown): symbol | undefined {
  return Object.getOwnPropertySymbols(classes).find(
    (key) => key.description === name && classes[key] === usual,
  );
}

/**
 * A class whose instances have all that `prototype` has, now and later. It has to be a subclass by `extends`: for no other
 * `new.target` does V8 keep a hidden class to begin with.
 */
function subclass<T extends abstract new (...rest: never[]) => object>(base: T, prototype: object): T {
  const Usual = base as unknown as new (...rest: unknown[]) => object;
  const derived = class extends Usual {};
  Object.setPrototypeOf(derived.prototype, prototype);
  // As Express leaves it: `constructor` is Node's own class, by whose name loggers and serializers know what they have.
  Reflect.deleteProperty(derived.prototype, 'constructor');
  return derived as unknown as T;
}
