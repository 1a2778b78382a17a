import { ChannelPattern } from '../../src/event/channel-pattern.js';

it.each([
  ['news', 'news', {}],
  ['order:{id}:progress', 'order:7:progress', { id: '7' }],
  ['{tenant}:{room}', 'acme:lobby', { tenant: 'acme', room: 'lobby' }],
  ['a.b*{x}', 'a.b*1', { x: '1' }],
  ['user:{user}', 'user:42', { user: '42' }],
  ['{user}:{room}', '42:7', { user: '42', room: '7' }],
])('%s fits %s', (pattern, channel, parameters) => {
  expect(new ChannelPattern(pattern).match(channel, '42')).toEqual(parameters);
});

it.each([
  ['news', 'news2'],
  ['news', 'xnews'],
  ['news', 'news\n'],
  ['order:{id}', 'order:'],
  ['order:{id}', 'order:7:8'],
  ['a.b', 'axb'],
  ['user:{user}', 'user:43'],
  ['user:{user}', 'user:421'],
])('%s does not fit %j', (pattern, channel) => {
  expect(new ChannelPattern(pattern).match(channel, '42')).toBeUndefined();
});

it.each(['a:b', '.*', '$&', '(', 'ключ', '\\d'])('{user} is the id %j to the letter', (user) => {
  const pattern = new ChannelPattern('user:{user}:inbox');
  expect(pattern.match(`user:${user}:inbox`, user)).toEqual({ user });
  expect(pattern.match('user:7:inbox', user)).toBeUndefined();
});

it('{user} fits nobody who is not somebody', () => {
  expect(new ChannelPattern('user:{user}').match('user:undefined', undefined)).toBeUndefined();
});
