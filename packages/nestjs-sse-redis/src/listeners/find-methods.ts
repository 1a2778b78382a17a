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
  const prototype = wrapper.isAlias ? null : toPrototype(wrapper);
  if (!prototype) return [];
  return scanner.getAllMethodNames(prototype).flatMap((key) => {
    const listenings = Reflect.getMetadata(LISTENINGS, prototype[key]!) as readonly Listening[] | undefined;
    if (!listenings) return [];
    const label = `${wrapper.name}.${key}`;
    checkScope(wrapper, label);
    return { instance, key, label, identity: isForeign ? instance : wrapper.metatype, listenings };
  });
}

/** What a factory returns, and a value, have no metadata of their class, and may be anything. */
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
  if (!wrapper.isNotMetatype) return instance[LISTENER_HUB];
  const [hub] = hubs;
  if (hubs.size === 1) return hub;
  throw new InvalidOptionsError(
    `@OnSseEvent() of ${label}(): the application has several hubs, and Nest did not make the instance. Make the class a provider of the module that has the hub.`,
  );
}
