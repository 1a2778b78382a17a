import type { AbstractHttpAdapter } from '@nestjs/core';
import { IncomingMessage, ServerResponse, type Server } from 'node:http';

/** What this needs of an `express()`: the prototypes that it gives to requests and responses. */
interface ExpressApplication {
  request: object;
  response: object;
}

/** How Node keeps the classes of the documented options `IncomingMessage` and `ServerResponse` of `http.createServer`. */
type ServerClasses = Record<symbol, unknown>;

type Class = new (...rest: unknown[]) => object;

/** Where Node makes a request of what is none for Express. */
const PAST_EXPRESS = ['upgrade', 'connect'];

/** The classes that were made, by their prototypes. */
const classes = new WeakMap<object, Class>();

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
export function alignExpressClasses(adapter: Partial<AbstractHttpAdapter> | undefined): void {
  if (adapter?.getType?.() !== 'express') return;
  const server = adapter.getHttpServer?.() as Server | undefined;
  const express = adapter.getInstance?.() as Partial<ExpressApplication> | undefined;
  if (!server || !express || !isApplication(express)) return;
  const kept = server as unknown as ServerClasses;
  const request = keyOf(kept, 'IncomingMessage', IncomingMessage);
  const response = keyOf(kept, 'ServerResponse', ServerResponse);
  if (request === undefined || response === undefined) return;

  const requests = classOf(IncomingMessage as unknown as Class, express.request);
  const responses = classOf(ServerResponse as unknown as Class, express.response);
  express.request = requests.prototype as object;
  express.response = responses.prototype as object;
  kept[request] = requests;
  kept[response] = responses;
  for (const event of PAST_EXPRESS) keepPlain(server, event);
}

/**
 * Requests that Express never sees stay as Node makes them: those for an upgrade, to a WebSocket say, on which somebody
 * may set a `query` that Express only lets be read. Node takes a request for one of these only where somebody listens
 * for them, so this listens as long as others do, and before them.
 */
function keepPlain(server: Server, event: string): void {
  const makePlain = (request: IncomingMessage): void => {
    Object.setPrototypeOf(request, IncomingMessage.prototype);
  };
  const settle = (): void => {
    const listeners = server.listeners(event);
    if (listeners[0] === makePlain && listeners.length > 1) return;
    server.off(event, makePlain);
    if (server.listenerCount(event) > 0) server.prependListener(event, makePlain);
  };
  settle();
  // Not at once: a listener is told of before it is added, and may be put before this one.
  const onChange = (changed: string | symbol, listener: unknown): void => {
    if (changed === event && listener !== makePlain) queueMicrotask(settle);
  };
  server.on('newListener', onChange);
  server.on('removeListener', onChange);
}

function isApplication(express: Partial<ExpressApplication>): express is ExpressApplication {
  const { request, response } = express;
  return inherits(request, IncomingMessage) && inherits(response, ServerResponse);
}

function inherits(prototype: object | undefined, from: { readonly prototype: object }): boolean {
  return prototype !== undefined && from.prototype.isPrototypeOf(prototype);
}

/** The symbol under which the server keeps this class; undefined if it keeps another. */
function keyOf(kept: ServerClasses, name: string, usual: unknown): symbol | undefined {
  return Object.getOwnPropertySymbols(kept).find((key) => key.description === name && kept[key] === usual);
}

/**
 * A class whose prototype takes the place of this one: it has all that is its own, and what inherited from that, as the
 * prototypes of mounted applications do, inherits from it. It has to be a subclass by `extends`: for no other
 * `new.target` does V8 keep a hidden class to begin with.
 */
function classOf(base: Class, prototype: object): Class {
  const known = classes.get(prototype);
  if (known) return known;
  const derived = class extends base {};
  const successor: object = derived.prototype;
  // As Express leaves it: `constructor` is Node's own class, by whose name loggers and serializers know what they have.
  Reflect.deleteProperty(successor, 'constructor');
  Object.setPrototypeOf(successor, Object.getPrototypeOf(prototype) as object);
  Object.defineProperties(successor, Object.getOwnPropertyDescriptors(prototype));
  for (const key of Reflect.ownKeys(prototype)) Reflect.deleteProperty(prototype, key);
  Object.setPrototypeOf(prototype, successor);
  classes.set(successor, derived);
  return derived;
}
