import type { StandardSchema } from './standard-schema.js';

/** A class with decorators of class-validator. */
export type DtoClass<T extends object = object> = new (...args: never[]) => T;

/** What the data of an event has to be: a Standard Schema (zod, valibot, arktype …), or a class-validator class. */
export type EventSchema = StandardSchema | DtoClass;

/** The events of a channel by their types. `message` stands for events without a type. */
export type EventSchemas = Readonly<Record<string, EventSchema>>;

/** The types of the events of a channel. */
export type EventType<Events> = keyof Events & string;

/** What may be published as the data of an event. */
export type EventInput<Schema> = Schema extends StandardSchema
  ? NonNullable<Schema['~standard']['types']>['input']
  : Schema extends DtoClass<infer T>
    ? T
    : never;

/** What a schema makes of it, which is stored. */
export type EventOutput<Schema> = Schema extends StandardSchema
  ? NonNullable<Schema['~standard']['types']>['output']
  : Schema extends DtoClass<infer T>
    ? T
    : never;

/** A value after JSON: a `Date` has become a string, and a method is gone. */
export type Jsonified<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON(...args: never[]): infer Json }
      ? Jsonified<Json>
      : T extends (...args: never[]) => unknown
        ? never
        : T extends readonly unknown[]
          ? { [Index in keyof T]: Jsonified<T[Index]> }
          : T extends object
            ? {
                [
                  Key in keyof T as T[Key] extends (...args: never[]) => unknown ? never : Key & string
                ]: Jsonified<T[Key]>;
              }
            : never;

/** An event of a channel with a definition, as it is published: `{ type, data }`. */
export type DefinedEventInput<Events> = {
  [Type in EventType<Events>]: { readonly type: Type; readonly data: EventInput<Events[Type]> };
}[EventType<Events>];
