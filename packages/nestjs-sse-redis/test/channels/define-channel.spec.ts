import { defineChannel, InvalidChannelError, InvalidOptionsError, type EventSchemas } from 'nestjs-sse-redis';
import fc from 'fast-check';
import { z } from 'zod';
import { orders } from './orders.js';

const parts = defineChannel('order:{id}:{part}');
const ofUser = defineChannel('user:{user}');
const news = defineChannel('news');

describe('a channel definition', () => {
  it('makes a reference from its parameters', () => {
    expect(orders({ id: 7 }).name).toBe('order:7');
    expect(orders({ id: '7' }).name).toBe('order:7');
    expect(parts({ id: 7, part: 'a' }).name).toBe('order:7:a');
    expect(ofUser({ user: 'auth0:42' }).name).toBe('user:auth0:42');
    expect(news().name).toBe('news');
  });

  it('makes a reference that reads as its name, in text and in JSON', () => {
    const reference = orders({ id: 7 });
    expect(`to ${reference.toString()}`).toBe('to order:7');
    expect(String(reference)).toBe('order:7');
    expect(JSON.stringify({ channel: reference })).toBe('{"channel":"order:7"}');
    expect(Object.keys(reference)).toEqual(['name', 'definition']);
  });

  it('is data that nobody can change, and so are its references', () => {
    expect(orders.pattern).toBe('order:{id}');
    expect(Object.keys(orders.events!)).toEqual(['paid', 'seen', 'shipped']);
    for (const value of [orders, orders.events!, orders.history, orders({ id: 7 })])
      expect(Object.isFrozen(value)).toBe(true);
  });

  it('keeps what the application changes in its own object afterwards apart', () => {
    const events: Record<string, EventSchemas[string]> = { one: z.string() };
    const definition = defineChannel('a', { events });
    events['two'] = z.string();
    expect(Object.keys(definition.events!)).toEqual(['one']);
  });

  it('makes names of which the pattern finds the same parameters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (id, part) => {
        let name: string;
        try {
          ({ name } = parts({ id, part }));
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidChannelError);
          return;
        }
        expect(name.split(':')).toEqual(['order', id, part]);
      }),
    );
  });
});

describe('parameters of a channel', () => {
  const make = (definition: unknown, ...parameters: unknown[]) =>
    (definition as (...parameters: unknown[]) => unknown)(...parameters);

  it.each([
    ['no value', [{ id: undefined }], /\{id\}.*has no value, it got undefined/],
    ['null', [{ id: null }], /\{id\}.*has no value, it got null/],
    ['no such field', [{}], /\{id\}.*has no value/],
    ['no parameters', [], /takes an object with id/],
    ['a string', ['7'], /takes an object with id/],
    ['an array', [['7']], /takes an object with id/],
    ['an empty text', [{ id: '' }], /must not be empty/],
    ['a colon', [{ id: '7:secret' }], /no colon/],
    ['NaN', [{ id: NaN }], /a finite number, it got number/],
    ['Infinity', [{ id: Infinity }], /a finite number/],
    ['an object', [{ id: { toString: () => '7' } }], /it got object/],
    ['a boolean', [{ id: true }], /it got boolean/],
    ['the text undefined', [{ id: 'undefined' }], /what a missing value becomes/],
    ['one more', [{ id: 7, part: 'a' }], /no placeholder "part" \(it has id\)/],
    ['a line end', [{ id: 'a\nb' }], /control character/],
    ['half a surrogate pair', [{ id: '\ud800' }], /half a surrogate/],
    ['a long text', [{ id: 'x'.repeat(257) }], /at most 256/],
  ])('are refused with %s', (_what, parameters, words) => {
    expect(() => make(orders, ...parameters)).toThrow(InvalidChannelError);
    expect(() => make(orders, ...parameters)).toThrow(words);
  });

  it('are refused where the pattern has none', () => {
    expect(() => make(news, { id: 7 })).toThrow('no placeholder "id" (it has none)');
    expect(() => make(news, 7)).toThrow('takes no parameters');
    expect(make(news, {})).toMatchObject({ name: 'news' });
  });

  it('are refused where the name would lead back to others', () => {
    const ambiguous = defineChannel('{a}-{b}');
    expect(ambiguous({ a: '1', b: '2' }).name).toBe('1-2');
    // The other way round, `a` would be `1-2` for `authorize`.
    expect(() => ambiguous({ a: '1', b: '2-3' })).toThrow('does not lead back to the parameters');
  });
});

describe('a mistake in a channel definition is an error that names it', () => {
  const define = defineChannel as (pattern: unknown, options?: unknown) => unknown;
  it.each([
    [undefined, {}, /the pattern is a string, not undefined/],
    ['', {}, /which is empty/],
    ['a:{b', {}, /a brace is left over/],
    ['a:{b}:{b}', {}, /a name stands twice/],
    ['a:{}', {}, /no name/],
    ['a', null, /second argument is an object/],
    ['a', { ttl: 1 }, /no option "ttl" \(there are events, history/],
    ['a', { history: { ttl: 1 } }, /history.ttl takes a whole number from 1000 to 31536000000 ms/],
    ['a', { history: { ttlAfterEnd: 1.5 } }, /history.ttlAfterEnd takes a whole number/],
    ['a', { history: { length: 1 } }, /no option "history.length" \(there are maxLength, ttl, ttlAfterEnd\)/],
    ['a', { history: { maxLength: 0 } }, /history.maxLength takes a whole number from 1 to 1000000/],
    ['a', { history: 5 }, /history takes an object/],
    ['a', { rewind: 1_001 }, /rewind takes a whole number from 0 to 1000/],
    ['a', { rewind: '5' }, /rewind takes a whole number/],
    ['a', { ephemeral: 'yes' }, /ephemeral takes true or false/],
    ['a', { listeners: true }, /listeners is for a pattern of many channels/],
    ['a:{b}', { listeners: 'yes' }, /listeners takes true, false or an object \{ maxLength, ttl \}/],
    ['a:{b}', { listeners: { ttl: 1 } }, /listeners.ttl takes a whole number from 1000/],
    ['a:{b}', { listeners: { rewind: 1 } }, /there is no option "listeners.rewind"/],
    ['a', { ephemeral: true, rewind: 5 }, /keeps nothing/],
    ['a', { ephemeral: true, history: { maxLength: 5 } }, /keeps nothing/],
    ['a', { authorize: false }, /authorize takes true, 'user' or a function/],
    ['a', { authorize: { useExisting: class {} } }, /authorize takes true, 'user' or a function/],
    ['a', { events: {} }, /events names none/],
    ['a', { events: [] }, /events takes an object/],
    ['a', { events: { paid: undefined } }, /events.paid takes a Standard Schema .* it got undefined/],
    ['a', { events: { paid: { parse: () => 1 } } }, /events.paid takes a Standard Schema/],
    ['a', { events: { gap: z.string() } }, /"gap" is taken/],
    ['a', { events: { 'a\nb': z.string() } }, /line end/],
    ['a', { events: { '': z.string() } }, /without a type is called "message"/],
  ])('%j, %j', (pattern, options, words) => {
    expect(() => define(pattern, options)).toThrow(InvalidOptionsError);
    expect(() => define(pattern, options)).toThrow(words);
  });
});
