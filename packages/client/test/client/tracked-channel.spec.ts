import { TrackedChannel } from '../../src/stream/tracked-channel.js';

/** A channel that is being put on a stream after an id: its change is on its way. */
function onItsWay(after: string): TrackedChannel {
  const channel = new TrackedChannel('room:1', after);
  channel.want(after);
  channel.begins();
  channel.on = undefined;
  return channel;
}

describe('a channel that holders want after several ids', () => {
  it('begins anew after the earliest, whatever the change on its way would have brought', () => {
    const channel = onItsWay('5-0');
    channel.unwant();
    for (const after of ['8-0', '6-0', '7-0']) channel.want(after);
    expect(channel).toMatchObject({ after: '6-0', rewinds: true });
  });

  it('begins anew after the least that either id names, where one names channels', () => {
    const own = '9-0~5-0:abcdefgh~9-0';
    const channel = onItsWay(own);
    channel.want('7-0');
    expect(channel).toMatchObject({ after: '5-0', rewinds: true });
    const other = onItsWay('7-0');
    other.want(own);
    expect(other).toMatchObject({ after: '5-0', rewinds: true });
  });

  it('stays as it is where the id is that of the change on its way, or a later one', () => {
    const own = '9-0~5-0:abcdefgh~9-0';
    const channel = onItsWay(own);
    channel.want(own);
    channel.want('9-0');
    expect(channel).toMatchObject({ after: own, rewinds: false });
  });

  it('goes on where the page is for those that name no id, where the route names it, too', () => {
    const channel = new TrackedChannel('room:1');
    channel.want(undefined);
    channel.want('8-0');
    expect(channel.rewindsEarly()).toBe(true);
    channel.meet(true, '6-0', false);
    expect(channel).toMatchObject({ after: '6-0', rewinds: true });
  });

  it('keeps what is on its way for the route where its holder goes and another comes', () => {
    const channel = new TrackedChannel('room:1');
    channel.meet(true, '9-0', false);
    channel.want('5-0');
    channel.begins();
    Object.assign(channel, { on: undefined, rewinds: false, mutedUntil: 1 });
    channel.unwant();
    channel.want(undefined);
    expect(channel).toMatchObject({ after: '5-0', rewinds: false });
  });
});
