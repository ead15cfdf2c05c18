import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chooseStreams } from '../../../src/server/plane/choose-streams.js';
import { make } from '../../tls/support.js';

const well = { streams: () => undefined, tls: async () => undefined };

describe('what streams run on', () => {
  it('is node where the configuration says so, and nothing is tried out', async () => {
    const never = (): never => {
      throw new Error('tried out');
    };
    expect(await chooseStreams('node', undefined, { streams: never, tls: never })).toEqual({ streams: 'node' });
  });

  it.each(['auto', 'epoll'] as const)('is epoll where all is well, or node with the reason: %s', async (wanted) => {
    const certificate = { ...(await make({ names: ['ns.test'] })), keyType: 'ec', names: ['ns.test'] };
    const tls = { certificates: [certificate], ticketKey: randomBytes(48), sessionTimeout: 3600 };
    expect(await chooseStreams(wanted, tls, well)).toEqual({ streams: 'epoll' });
    const noEpoll = { ...well, streams: () => 'there is no epoll' };
    expect(await chooseStreams(wanted, tls, noEpoll)).toEqual({ streams: 'node', obstacle: 'there is no epoll' });
    const noTls = { ...well, tls: async () => 'there is no OpenSSL' };
    expect(await chooseStreams(wanted, tls, noTls)).toEqual({ streams: 'node', obstacle: 'there is no OpenSSL' });
    // Without TLS its library does not matter.
    expect(await chooseStreams(wanted, undefined, noTls)).toEqual({ streams: 'epoll' });
  });

  it('is tried out on this machine', async () => {
    const certificate = { ...(await make({ names: ['ns.test'] })), keyType: 'ec', names: ['ns.test'] };
    const tls = { certificates: [certificate], ticketKey: randomBytes(48), sessionTimeout: 3600 };
    const { streams, obstacle } = await chooseStreams('auto', tls);
    expect(streams).toBe(obstacle === undefined ? 'epoll' : 'node');
  });
});
