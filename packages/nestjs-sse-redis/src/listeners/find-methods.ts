import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import type { SseEvent } from '../event/sse-event.js';
import { SseHub } from '../hub/sse-hub.js';
import { LISTENER_HUB, LISTENINGS, type Listening } from './on-sse-event.decorator.js';

type Listener = Record<string, (event: SseEvent) => unknown> & { readonly [LISTENER_HUB]?: SseHub };

/** A method with `@OnSseEvent()`. */
export interface FoundMethod {
  readonly instance: Listener;
  readonly key: string;
  /** For messages. */
  readonly label: string;
  /** Equal where Nest has made a class twice, as for two modules: one instance is as good as the other. */
  readonly identity: unknown;
  readonly listenings: readonly Listening[];
}

/**
 * Finds the methods with `@OnSseEvent()` of a hub, in all providers and controllers.
 *
 * @throws InvalidOptionsError for a class of which there is no one instance, and where it cannot be said which hub is meant
 */
export function findMethods(modules: ModulesContainer, hub: SseHub): FoundMethod[] {
  const wrappers: InstanceWrapper[] = [];
  for (const { providers, controllers } of modules.values())
    wrappers.push(...providers.values(), ...controllers.values());
  const hubs = new Set<unknown>(
    wrappers.filter(({ token }) => token === SseHub).map(({ instance }) => instance),
  );
  const scanner = new MetadataScanner();
  // A factory may return what is a provider already.
  const found = new Set<unknown>();
  return (
    wrappers
      // Classes first: of these it is known how they are made.
      .toSorted((a, b) => Number(a.isNotMetatype) - Number(b.isNotMetatype))
      .flatMap((wrapper) => {
        const methods = findMethodsOf(wrapper as InstanceWrapper<Listener>, scanner);
        const [first] = methods;
        if (!first || found.has(first.instance)) return [];
        found.add(first.instance);
        return getHub(first, wrapper, hubs) === hub ? methods : [];
      })
  );
}

function findMethodsOf(wrapper: InstanceWrapper<Listener>, scanner: MetadataScanner): FoundMethod[] {
  const { instance, isNotMetatype: isForeign } = wrapper;
  if (wrapper.isAlias) return [];
  return readListenings(wrapper, scanner).map(([key, listenings]) => {
    const label = `${String(wrapper.name)}.${key}`;
    checkScope(wrapper, label);
    return { instance, key, label, identity: isForeign ? instance : wrapper.metatype, listenings };
  });
}

/** What the methods of a wrapper's class say, by their names. */
function readListenings(
  wrapper: InstanceWrapper<Listener>,
  scanner: MetadataScanner,
): [string, readonly Listening[]][] {
  try {
    const prototype = toPrototype(wrapper);
    return scanner.getAllMethodNames(prototype).flatMap((key): [string, readonly Listening[]][] => {
      const listenings = Reflect.getMetadata(LISTENINGS, prototype![key]!) as
        | readonly Listening[]
        | undefined;
      return listenings ? [[key, listenings]] : [];
    });
  } catch (error) {
    if (wrapper.isNotMetatype) return [];
    throw error;
  }
}

/** What a factory returns, and a value, have no metadata of their class, and may be anything: also a proxy that throws. */
function toPrototype({ isNotMetatype, instance, metatype }: InstanceWrapper<Listener>): Listener | null {
  if (!isNotMetatype) return ((metatype as { prototype?: unknown }).prototype ?? null) as Listener | null;
  return typeof instance === 'object' && instance !== null
    ? (Object.getPrototypeOf(instance) as Listener | null)
    : null;
}

/** @throws InvalidOptionsError where it cannot be said whose instance is to be called */
function checkScope(wrapper: InstanceWrapper, label: string): void {
  const isStatic = wrapper.isDependencyTreeStatic();
  if (isStatic && !wrapper.isTransient) return;
  throw new InvalidOptionsError(
    `@OnSseEvent() of ${label}() is of a class that Nest makes for each ${isStatic ? 'class that needs it' : 'request'}: make it and what it needs singletons.`,
  );
}

/**
 * Of several hubs it is the one that the module of the class has.
 *
 * @throws InvalidOptionsError where Nest did not make the instance, and there are several
 */
function getHub(
  { instance, label }: FoundMethod,
  wrapper: InstanceWrapper,
  hubs: ReadonlySet<unknown>,
): unknown {
  // A factory may have Nest make it: `moduleRef.create()`.
  const own = instance[LISTENER_HUB];
  if (hubs.has(own) || !wrapper.isNotMetatype) return own;
  const [hub] = hubs;
  if (hubs.size === 1) return hub;
  throw new InvalidOptionsError(
    `@OnSseEvent() of ${label}(): the application has several hubs, and Nest did not make the instance. Make the class a provider of the module that has the hub.`,
  );
}
