import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSocketAddress, encodeSocketAddress } from '../../src/transport/socket-address.js';
import { SEED } from '../support/seed.js';

const hex = (text: string): string => encodeSocketAddress({ address: text, port: 0x1234 })?.toString('hex') ?? 'none';

describe('socket addresses', () => {
  it('are laid out as the system has them', () => {
    expect(hex('192.0.2.1')).toBe('02001234c00002010000000000000000');
    expect(hex('2001:db8::1')).toBe('0a0012340000000020010db800000000000000000000000100000000');
    expect(hex('fe80::1%258')).toBe('0a00123400000000fe80000000000000000000000000000102010000');
  });

  it('of IPv4-mapped addresses are those of the IPv4 address', () => {
    expect(hex('::ffff:192.0.2.1')).toBe(hex('192.0.2.1'));
  });

  it.each(['', 'localhost', '192.0.2', 'fe80::1%no-such-interface'])('are not to be had of %j', (text) => {
    expect(encodeSocketAddress({ address: text, port: 53 })).toBeUndefined();
  });

  it('know the network interfaces of this host by name', () => {
    for (const [name, addresses] of Object.entries(networkInterfaces())) {
      const scope = addresses?.find(({ family, scopeid }) => family === 'IPv6' && scopeid)?.scopeid;
      if (scope === undefined) continue;
      expect(hex(`fe80::1%${name}`)).toBe(hex(`fe80::1%${scope}`));
    }
  });

  it('are read back', () => {
    const scoped = fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 0xffff_ffff })).map(([a, scope]) => `${a}%${scope}`);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), scoped), fc.nat({ max: 65_535 }), (address, port) => {
        const encoded = encodeSocketAddress({ address, port });
        if (encoded === undefined) throw new Error(`${address} was not taken`);
        const decoded = decodeSocketAddress(encoded);
        expect(decoded?.port).toBe(port);
        expect(encodeSocketAddress({ address: decoded?.address ?? '', port })).toEqual(encoded);
      }),
      { seed: SEED },
    );
  });

  it('are written in the shortest form', () => {
    const written = (address: string) => {
      const encoded = encodeSocketAddress({ address, port: 0 });
      return encoded && decodeSocketAddress(encoded)?.address;
    };
    expect(written('2001:0db8:0:0:0:0:0:0001')).toBe('2001:db8::1');
    expect(written('0:0:0:0:0:0:0:0')).toBe('::');
    expect(written('FE80::1%7')).toBe('fe80::1%7');
  });

  it('of other families are no endpoints', () => {
    const unix = Buffer.alloc(128);
    unix.writeUInt16LE(1);
    expect(decodeSocketAddress(unix)).toBeUndefined();
  });
});
