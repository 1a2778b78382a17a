/** The part of TanStack's `QueryClient` that is called: of React, Vue, Svelte, Solid and Angular Query, version 4 or later. */
export interface QueryClientLike {
  /** Changes the data of a query by a function of those before. */
  setQueryData(queryKey: QueryKey, updater: (before: never) => unknown): unknown;
  /** Marks queries as outdated, and loads those that are shown. */
  invalidateQueries(filters: { readonly queryKey: QueryKey }): Promise<void>;
}

/** The key of a query, as its `queryKey`. */
export type QueryKey = readonly unknown[];

/** Makes the data of a query of those before. `undefined`: the query has none yet, and gets none by returning it. */
export type QueryUpdater<Data> = (before: Data | undefined) => Data | undefined;

/** What events of one frame do to queries. */
export interface QueryChanges {
  /** Changes the data of a query, in the order of the events. */
  set<Data>(queryKey: QueryKey, updater: QueryUpdater<Data>): void;
  /** Has queries loaded anew that are shown, once a frame, however many events ask for it. */
  invalidate(queryKey: QueryKey): void;
}

/** Of each `QueryClient`. A stand-in of a test need not have it. */
interface Hashing {
  defaultQueryOptions(options: { readonly queryKey: QueryKey }): { readonly queryHash?: string };
}

/** ms after which changes are applied where there is no frame: in a hidden page, and outside of pages. */
const WITHOUT_FRAME = 250;

/** Gathers what events do to queries, and does it once a frame: each change of a query renders all that show it. */
export class QueryBatch implements QueryChanges {
  private readonly updaters = new Map<
    string,
    { readonly queryKey: QueryKey; readonly updaters: QueryUpdater<unknown>[] }
  >();
  private readonly invalid = new Map<string, QueryKey>();
  private frame: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onError receives what an updater throws, or the query client */
  constructor(
    private readonly queries: QueryClientLike,
    private readonly onError: (error: unknown) => void,
  ) {}

  set<Data>(given: QueryKey, updater: QueryUpdater<Data>): void {
    const queryKey = withoutRefs(given);
    const key = this.hash(queryKey);
    const known = this.updaters.get(key) ?? { queryKey, updaters: [] };
    known.updaters.push(updater as QueryUpdater<unknown>);
    this.updaters.set(key, known);
    this.schedule();
  }

  invalidate(given: QueryKey): void {
    const queryKey = withoutRefs(given);
    this.invalid.set(this.hash(queryKey), queryKey);
    this.schedule();
  }

  /** Does what has been gathered, at once. */
  flush(): void {
    clearTimeout(this.timer);
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.timer = this.frame = undefined;
    const changes = [...this.updaters.values()];
    const invalid = [...this.invalid.values()];
    this.updaters.clear();
    this.invalid.clear();
    for (const { queryKey, updaters } of changes) {
      const updater = (before: unknown) => this.update(before, updaters);
      this.guard(() => void this.queries.setQueryData(queryKey, updater));
    }
    for (const queryKey of invalid)
      this.guard(() => void this.queries.invalidateQueries({ queryKey }).catch(this.onError));
  }

  /** The application may have a `queryKeyHashFn` of its own, for keys that JSON cannot carry. */
  private hash(queryKey: QueryKey): string {
    const queries = this.queries as QueryClientLike & Partial<Hashing>;
    return queries.defaultQueryOptions?.({ queryKey }).queryHash ?? hash(queryKey);
  }

  private schedule(): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => this.flush(), WITHOUT_FRAME);
    if (typeof requestAnimationFrame === 'function') this.frame = requestAnimationFrame(() => this.flush());
  }

  /** One after the other, each on its own: a page that was hidden for minutes has gathered thousands. */
  private update(before: unknown, updaters: readonly QueryUpdater<unknown>[]): unknown {
    let data = before;
    for (const updater of updaters)
      this.guard(() => {
        data = updater(data);
      });
    return data;
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.onError(error);
    }
  }
}

/** Vue Query takes keys with refs in them. What they have when the event comes counts, not what they have a frame later. */
function withoutRefs<Value>(value: Value): Value {
  if (isRef(value)) return withoutRefs(value.value) as Value;
  if (Array.isArray(value)) return value.map((part: unknown) => withoutRefs(part)) as Value;
  if (!isPlain(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutRefs(part)])) as Value;
}

/** As `isRef()` of Vue has it. */
function isRef(value: unknown): value is { readonly value: unknown } {
  return isPlain(value) && value['__v_isRef'] === true;
}

/** As TanStack Query has it: the order of an object's fields does not count. */
function hash(queryKey: QueryKey): string {
  return JSON.stringify(queryKey, (_, value: unknown) =>
    isPlain(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
