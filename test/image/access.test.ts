import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import { compileAccess, isAllowed } from '../../src/image/access.js';
import { type Prefix, prefixFromText, prefixToText } from '../../src/protocol/prefix.js';
import { addressOctets } from '../../src/transport/address.js';
import { Random } from '../differential/random.js';

const prefixes = (...texts: string[]): Prefix[] => texts.map(prefixFromText);

function asker(allow: readonly Prefix[], deny: readonly Prefix[] = []): (address: string) => boolean {
  const table = compileAccess(allow, deny);
  const octets = new Uint8Array(16);
  return (address) => isAllowed(table, 0, octets, addressOctets(address, octets));
}

describe('an access list', () => {
  it('without prefixes allows everybody', () => {
    const ask = asker([]);
    for (const address of ['0.0.0.0', '255.255.255.255', '127.255.255.255', '128.0.0.0', '::', '::1', 'ffff::'])
      expect(ask(address), address).toBe(true);
  });

  it('denies whom it does not allow, of both families, as soon as it allows somebody', () => {
    const ask = asker(prefixes('192.0.2.0/24'));
    expect(['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0', '::1', '::ffff:192.0.2.9'].map(ask)).toEqual([
      true,
      true,
      false,
      false,
      false,
      true,
    ]);
  });

  it('lets the most specific prefix decide, in whatever order they stand', () => {
    const allow = prefixes('10.0.0.0/8', '10.1.1.1', '2001:db8::/32');
    const deny = prefixes('10.1.0.0/16', '2001:db8:1::/48', '0.0.0.0/0');
    for (const [a, d] of [
      [allow, deny],
      [allow.toReversed(), deny.toReversed()],
    ] as const) {
      const ask = asker(a, d);
      expect(['10.0.0.1', '10.1.0.0', '10.1.1.0', '10.1.1.1', '10.1.1.2', '10.1.255.255', '10.2.0.0'].map(ask)).toEqual(
        [true, false, false, true, false, false, true],
      );
      expect(
        ['9.255.255.255', '11.0.0.0', '2001:db8::', '2001:db8:1::', '2001:db8:2::', '2001:db9::'].map(ask),
      ).toEqual([false, false, true, false, true, false]);
    }
  });

  it('knows where a prefix begins and ends, for every length of both families', () => {
    for (const [bits, text] of [
      [32, '170.170.170.170'],
      [128, 'aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa'],
    ] as const) {
      const address = new Uint8Array(16);
      const size = addressOctets(text, address);
      for (let length = 0; length <= bits; length++) {
        const octets = address.slice(0, size).map((o, i) => o & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))));
        const table = compileAccess([], [{ octets, length }]);
        const at = (change: (value: bigint) => bigint, from: bigint): boolean | undefined => {
          const value = change(from);
          if (value < 0n || value >= 1n << BigInt(bits)) return undefined;
          const hex = value.toString(16).padStart(size * 2, '0');
          return isAllowed(table, 0, Buffer.from(hex, 'hex'), size);
        };
        const first = BigInt(`0x${Buffer.from(octets).toString('hex')}`);
        const last = first + (1n << BigInt(bits - length)) - 1n;
        const same = (value: bigint): bigint => value;
        expect([at(same, first), at(same, last)], `${text}/${length}`).toEqual([false, false]);
        expect(at((value) => value - 1n, first) ?? true, `below ${text}/${length}`).toBe(true);
        expect(at((value) => value + 1n, last) ?? true, `above ${text}/${length}`).toBe(true);
      }
    }
  });

  it('holds the ends of both address spaces', () => {
    const ask = asker(
      prefixes('0.0.0.0', '255.255.255.255', '127.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
    );
    expect(
      ['0.0.0.0', '255.255.255.255', '127.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'].every(ask),
    ).toBe(true);
    expect(['0.0.0.1', '255.255.255.254', '128.0.0.0', '127.255.255.254', '::1', 'ffff::'].some(ask)).toBe(false);
  });

  it('takes an IPv4-mapped address for the IPv4 address, whatever IPv6 says', () => {
    const table = compileAccess(prefixes('::/0', '0.0.0.0/0'), prefixes('192.0.2.1'));
    const mapped = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1]);
    expect(isAllowed(table, 0, mapped, 16)).toBe(false);
    expect(isAllowed(table, 0, mapped.with(15, 2), 16)).toBe(true);
    expect(isAllowed(table, 0, mapped.with(9, 1), 16)).toBe(true);
  });

  it('denies an address of no family', () => {
    expect(isAllowed(compileAccess([], []), 0, new Uint8Array(16), 0)).toBe(false);
  });

  it('agrees with a list of prefixes searched one by one, on thousands of nested ones', () => {
    const random = new Random(11);
    for (const size of [4, 16]) {
      // Few different octets, so that prefixes lie within each other and addresses hit them.
      const octet = (): number => [0, 1, 127, 128, 254, 255][random.below(6)] ?? 0;
      const seen = new Map<string, { prefix: Prefix; allowed: boolean }>();
      for (let i = 0; i < 3000; i++) {
        const length = random.below(size * 8 + 1);
        const octets = Uint8Array.from({ length: size }, octet).map(
          (o, at) => o & (0xff00 >> Math.min(8, Math.max(0, length - at * 8))),
        );
        const prefix = { octets, length };
        seen.set(prefixToText(prefix), { prefix, allowed: random.below(2) === 0 });
      }
      const rules = [...seen.values()].sort((a, b) => b.prefix.length - a.prefix.length);
      const side = (allowed: boolean): Prefix[] => rules.filter((r) => r.allowed === allowed).map((r) => r.prefix);
      const table = compileAccess(side(true), side(false));
      const lists = rules.map(({ prefix, allowed }) => {
        const list = new BlockList();
        const family = size === 4 ? 'ipv4' : 'ipv6';
        list.addSubnet(prefixToText(prefix).split('/')[0] ?? '', prefix.length, family);
        return { list, allowed, family } as const;
      });
      let allowed = 0;
      for (let i = 0; i < 500; i++) {
        const address = Uint8Array.from({ length: size }, octet);
        const text = prefixToText({ octets: address, length: size * 8 }).split('/')[0] ?? '';
        const wanted = lists.find(({ list, family }) => list.check(text, family))?.allowed ?? false;
        expect(isAllowed(table, 0, address, size), text).toBe(wanted);
        if (wanted) allowed++;
      }
      expect(allowed).toBeGreaterThan(50);
    }
  });
});
