import { HostOutbox, type StreamPosition } from '../../src/share/host-outbox.js';
import type { HostMessage, SharedEvent } from '../../src/share/protocol.js';

const PLACE: StreamPosition = { position: '1-1', upTo: '1-1', covered: [] };
const event = (n: number) => ({ type: 'tick', data: String(n), id: `1-${n}` }) as unknown as SharedEvent;

describe('messages of a host to its tabs', () => {
  const dataOf = (message: HostMessage) =>
    message.kind === 'events' ? message.events.map(({ data }) => data) : [];

  it('have the events once more where the browser ended the script before they were sent', () => {
    const sent: HostMessage[] = [];
    let isEnded = true;
    const send = (message: HostMessage) => {
      if (isEnded) throw new Error('The script is ended here.');
      sent.push(message);
    };
    const outbox = new HostOutbox({ id: 'host', generation: 1, send }, () => PLACE);
    outbox.push(event(1));
    expect(() => outbox.flush()).toThrow('ended here');
    isEnded = false;
    outbox.push(event(2));
    outbox.answer();
    outbox.answer();
    expect(sent.map(dataOf)).toEqual([['1', '2'], []]);
  });
});
