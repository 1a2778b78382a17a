import { jest } from '@jest/globals';
import { freeClusterPorts, freePort } from '../src/free-port.js';

/** What chance would have to be for this port. */
const chanceOf = (port: number, count: number) => (port - 15_000 + 0.5) / count;

describe('freePort', () => {
  afterEach(() => jest.restoreAllMocks());

  it('gives no port twice, though nothing listens there yet', async () => {
    const port = await freePort();
    jest.spyOn(Math, 'random').mockReturnValue(chanceOf(port, 17_000));
    await expect(freePort()).rejects.toThrow('no free loopback port');
  });

  it('gives no bus port of a node of a cluster', async () => {
    const [port] = (await freeClusterPorts(1)) as [number];
    jest.spyOn(Math, 'random').mockReturnValue(chanceOf(port + 10_000, 17_000));
    await expect(freePort()).rejects.toThrow('no free loopback port');
  });
});
