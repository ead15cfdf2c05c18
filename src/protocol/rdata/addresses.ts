/** Fields that are addresses: IPv4, IPv6, EUI-48, EUI-64, and 64-bit identifiers. Hot file: no allocation in scanners. */
import { hexDigit, parseIpv4, parseIpv6, printIpv4, printIpv6 } from '../ip-address.js';
import { type Codec, failExpected } from './codec.js';

const COLON = 0x3a;
const DASH = 0x2d;

/** A codec of `size` octets read and printed by two functions. */
function address(
  size: number,
  expected: string,
  parse: (bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => boolean,
  print: (rdata: Uint8Array, at: number) => string,
): Codec {
  return {
    expected,
    manyTokens: false,
    scan(tokens, _origin, out, at) {
      if (!parse(tokens.bytes, tokens.start, tokens.end, out, at)) failExpected(tokens, expected);
      return at + size;
    },
    check: (_wire, at, end) => (at + size <= end ? at + size : -1),
    print,
  };
}

/** Groups of at least `least` and at most `width` hexadecimal digits, `size` octets in all; printed with all digits. */
function hexGroups(size: number, least: number, width: number, separator: number, expected: string): Codec {
  const step = width / 2;
  return address(
    size,
    expected,
    (bytes, start, end, out, at) => {
      let to = at;
      let value = 0;
      let digits = 0;
      for (let i = start; i <= end; i++) {
        const octet = i === end ? separator : bytes[i]!;
        if (octet === separator) {
          if (digits < least || to - at >= size) return false;
          if (step === 2) out[to] = value >> 8;
          out[to + step - 1] = value;
          to += step;
          value = digits = 0;
        } else {
          const digit = hexDigit(octet);
          if (digit < 0 || digits === width) return false;
          value = value * 16 + digit;
          digits++;
        }
      }
      return to - at === size;
    },
    (rdata, at) => {
      const digits = Buffer.from(rdata.subarray(at, at + size)).toString('hex');
      const groups: string[] = [];
      for (let i = 0; i < digits.length; i += width) groups.push(digits.slice(i, i + width));
      return groups.join(String.fromCharCode(separator));
    },
  );
}

export const ipv4 = address(4, 'an IPv4 address such as 192.0.2.1', parseIpv4, printIpv4);
export const ipv6 = address(16, 'an IPv6 address such as 2001:db8::1', parseIpv6, printIpv6);
export const eui48 = hexGroups(6, 2, 2, DASH, 'an EUI-48 address such as 00-00-5e-00-53-2a');
export const eui64 = hexGroups(8, 2, 2, DASH, 'an EUI-64 address such as 00-00-5e-ef-10-00-00-2a');
export const locator64 = hexGroups(8, 1, 4, COLON, 'four groups of hexadecimal digits such as 0014:4fff:ff20:ee64');
