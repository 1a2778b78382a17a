import { MapReader } from '../../src/client/map-reader.js';
import type { ChannelEvent } from '../../src/client/channel-types.js';

const channel = 'board:1';
const event = (type: string, data: unknown, key?: string): ChannelEvent => ({
  ...{ type, data, text: JSON.stringify(data), id: '1-0', channel },
  ...(key !== undefined && { key }),
});
const begins = event('map', { channel, begins: true });
const complete = event('map', { channel, complete: true });

describe('MapReader', () => {
  let reader: MapReader;
  let strays: string[];
  const take = (...events: ChannelEvent[]) => events.map((one) => reader.take(one));

  beforeEach(() => {
    strays = [];
    reader = new MapReader((name) => strays.push(name));
  });

  it('keeps the map, and tells once, where an event without a key comes in between', () => {
    take(begins, event('moved', 1, 'a'), complete, event('moved', 2), event('moved', 3));
    take(event('moved', 4, 'b'));
    expect([...reader.view.map.keys()]).toEqual(['a', 'b']);
    expect(reader.view).toMatchObject({ isLoaded: true });
    expect(reader.view.error).toBeUndefined();
    expect(strays).toEqual([channel]);
  });

  it.each([
    ['an event without a key comes before there was a map', [event('moved', 1)]],
    ['a gap comes', [begins, complete, event('gap', { channel, from: null, to: '1-0' })]],
  ])('has NO_MAP where %s', (_, events) => {
    take(...events);
    expect(reader.view.error?.code).toBe('NO_MAP');
  });

  it('shows the map from before until the new one is whole', () => {
    take(begins, event('moved', 1, 'a'), complete);
    expect(take(begins, event('moved', 2, 'b'))).toEqual([false, false]);
    expect([...reader.view.map.keys()]).toEqual(['a']);
    expect(take(complete)).toEqual([true]);
    expect([...reader.view.map.keys()]).toEqual(['b']);
  });
});
