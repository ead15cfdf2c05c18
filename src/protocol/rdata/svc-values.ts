/**
 * The table of service parameters of SVCB and HTTPS, as IANA's registry "Service Parameter Keys" had them on 2026-07-10: how the
 * value of each key is read, checked and printed. A new key is a row; keys that are not here are read and printed as `key123="…"`.
 */
import { parseIpv4, parseIpv6, printIpv4, printIpv6 } from '../ip-address.js';
import { readU16 } from '../octets.js';
import { printBase64 } from './binary.js';
import { parseUnsigned } from './integers.js';
import { quoteText } from './strings.js';

const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** The format of the values of one key. */
export interface SvcValue {
  readonly key: number;
  readonly name: string;
  /** The expectation in error messages. */
  readonly expected: string;
  /** The wire format of a value whose character-string escapes were resolved; undefined when it is malformed. */
  parse(value: Uint8Array): Uint8Array | undefined;
  /** Whether wire[at … end) is well formed. */
  check(wire: Uint8Array, at: number, end: number): boolean;
  /** Text of the well-formed value, behind the equals sign; empty for none. */
  print(wire: Uint8Array, at: number, end: number): string;
}

/** The items of a comma-separated list (RFC 9460 appendix A.1): `\,` and `\\` are a comma and a backslash of an item. */
function splitItems(value: Uint8Array): number[][] | undefined {
  const items: number[][] = [[]];
  for (let i = 0; i < value.length; i++) {
    let octet = value[i]!;
    if (octet === COMMA) {
      items.push([]);
      continue;
    }
    if (octet === BACKSLASH) {
      octet = value[++i] ?? 0;
      if (octet !== COMMA && octet !== BACKSLASH) return undefined;
    }
    items.at(-1)!.push(octet);
  }
  return items.every((item) => item.length > 0) ? items : undefined;
}

/** A list of items of `size` octets, at least one; all different with `distinct`. */
export function fixedList(
  key: number,
  name: string,
  expected: string,
  size: number,
  parse: (bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => boolean,
  print: (wire: Uint8Array, at: number) => string,
  distinct = false,
): SvcValue {
  const check = (wire: Uint8Array, at: number, end: number): boolean => {
    if (end === at || (end - at) % size !== 0) return false;
    if (!distinct) return true;
    const seen = new Set<string>();
    for (let i = at; i < end; i += size) seen.add(print(wire, i));
    return seen.size === (end - at) / size;
  };
  return {
    key,
    name,
    expected,
    parse(value) {
      const items = splitItems(value);
      if (items === undefined) return undefined;
      const wire = new Uint8Array(items.length * size);
      const good = items.every((item, i) => parse(Uint8Array.from(item), 0, item.length, wire, i * size));
      return good && check(wire, 0, wire.length) ? wire : undefined;
    },
    check,
    print(wire, at, end) {
      const texts: string[] = [];
      for (let i = at; i < end; i += size) texts.push(print(wire, i));
      return texts.join(',');
    },
  };
}

/** A key without a value. */
function flag(key: number, name: string): SvcValue {
  return {
    key,
    name,
    expected: 'no value',
    parse: (value) => (value.length === 0 ? value : undefined),
    check: (_wire, at, end) => at === end,
    print: () => '',
  };
}

/** Whether wire[at … end) is a list of strings behind their lengths, none of them empty. */
function checkStrings(wire: Uint8Array, at: number, end: number): boolean {
  let to = at;
  while (to < end) {
    if (wire[to] === 0) return false;
    to += 1 + wire[to]!;
  }
  return to === end;
}

function parseU16(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  const value = parseUnsigned(bytes, start, end, 65_535);
  out[at] = value >>> 8;
  out[at + 1] = value;
  return value >= 0;
}

/** A list of strings behind their lengths; `least` is the number that there has to be. */
function stringList(key: number, name: string, expected: string, least: 0 | 1): SvcValue {
  return {
    key,
    name,
    expected,
    parse(value) {
      const items = value.length === 0 ? [] : splitItems(value);
      if (items === undefined || items.length < least || items.some((item) => item.length > 255)) return undefined;
      return Uint8Array.from(items.flatMap((item) => [item.length, ...item]));
    },
    check: (wire, at, end) => end - at >= least && checkStrings(wire, at, end),
    print(wire, at, end) {
      const list: number[] = [];
      for (let i = at; i < end; i += 1 + wire[i]!) {
        if (i > at) list.push(COMMA);
        for (const octet of wire.subarray(i + 1, i + 1 + wire[i]!)) {
          if (octet === COMMA || octet === BACKSLASH) list.push(BACKSLASH);
          list.push(octet);
        }
      }
      return quoteText(Uint8Array.from(list), 0, list.length);
    },
  };
}

const port: SvcValue = {
  key: 3,
  name: 'port',
  expected: 'a port from 0 to 65535',
  parse(value) {
    const wire = new Uint8Array(2);
    return parseU16(value, 0, value.length, wire, 0) ? wire : undefined;
  },
  check: (_wire, at, end) => end - at === 2,
  print: (wire, at) => String(readU16(wire, at)),
};

const ech: SvcValue = {
  key: 5,
  name: 'ech',
  expected: 'base64',
  parse(value) {
    const text = Buffer.from(value).toString('latin1');
    const wire = Buffer.from(text, 'base64');
    return wire.length > 0 && wire.toString('base64') === text ? wire : undefined;
  },
  check: (_wire, at, end) => end > at,
  print: printBase64,
};

/** A weight of `oots` is a percentage. */
const MAX_PERCENT = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The variable dns in a list of variables of a URI template, at times with a modifier (RFC 6570 §2.3). */
const DNS_VARIABLE = /^dns(?::[0-9]+|\*)?$/;

/** Whether a value is a relative URI template (RFC 6570) with the variable dns (RFC 9461 §5). */
function isDohPath(value: Uint8Array): boolean {
  let text: string;
  try {
    text = utf8.decode(value);
  } catch {
    return false;
  }
  const expressions = [...text.matchAll(/\{[+#./;?&]?([^{}]*)\}/g)];
  const isTemplate = text.startsWith('/') && !/[{}]/.test(text.replaceAll(/\{[^{}]*\}/g, ''));
  return isTemplate && expressions.some(([, list = '']) => list.split(',').some((name) => DNS_VARIABLE.test(name)));
}

const dohpath: SvcValue = {
  key: 7,
  name: 'dohpath',
  expected: 'a path with the variable dns such as "/dns-query{?dns}"',
  parse: (value) => (isDohPath(value) ? value : undefined),
  check: (wire, at, end) => isDohPath(wire.subarray(at, end)),
  print: quoteText,
};

const latin1 = (octets: Iterable<number>): string => Buffer.from(Uint8Array.from(octets)).toString('latin1');

/** Transports of DNS, each with the share of all queries, in percent, that it can take by the operator's estimate. */
const oots: SvcValue = {
  key: 12,
  name: 'oots',
  expected: 'a list of different transports with percentages such as "do53:100,dot:25"',
  parse(value) {
    const octets: number[] = [];
    for (const item of splitItems(value) ?? [[]]) {
      const [, transport, weight] = /^([a-z0-9-]{1,255}):(0|[1-9][0-9]{0,2})$/.exec(latin1(item)) ?? [];
      if (transport === undefined || Number(weight) > MAX_PERCENT) return undefined;
      octets.push(transport.length, ...Buffer.from(transport, 'latin1'), Number(weight));
    }
    return oots.check(Uint8Array.from(octets), 0, octets.length) ? Uint8Array.from(octets) : undefined;
  },
  check(wire, at, end) {
    const seen = new Set<string>();
    let to = at;
    for (; to < end && wire[to] !== 0; to += 2 + wire[to]!) {
      const weight = to + 1 + wire[to]!;
      const transport = latin1(wire.subarray(to + 1, weight));
      if (!/^[a-z0-9-]+$/.test(transport) || seen.has(transport) || wire[weight]! > MAX_PERCENT) return false;
      seen.add(transport);
    }
    return to === end && seen.size > 0;
  },
  print(wire, at, end) {
    const items: string[] = [];
    for (let i = at; i < end; i += 2 + wire[i]!) {
      const weight = i + 1 + wire[i]!;
      items.push(`${latin1(wire.subarray(i + 1, weight))}:${wire[weight]}`);
    }
    return `"${items.join(',')}"`;
  },
};

/** Every key whose values have a format, but `mandatory`: its values are keys (svc-params.ts). */
export const SVC_VALUES: readonly SvcValue[] = [
  stringList(1, 'alpn', 'a list of protocols such as "h2,h3"', 1), // RFC 9460
  flag(2, 'no-default-alpn'), // RFC 9460
  port, // RFC 9460
  fixedList(4, 'ipv4hint', 'a list of IPv4 addresses', 4, parseIpv4, printIpv4), // RFC 9460
  ech, // RFC 9848
  fixedList(6, 'ipv6hint', 'a list of IPv6 addresses', 16, parseIpv6, printIpv6), // RFC 9460
  dohpath, // RFC 9461
  flag(8, 'ohttp'), // RFC 9540
  // draft-ietf-tls-key-share-prediction
  fixedList(
    9,
    'tls-supported-groups',
    'a list of different TLS group numbers such as 29,23',
    2,
    parseU16,
    (wire, at) => String(readU16(wire, at)),
    true,
  ),
  stringList(10, 'docpath', 'the segments of a path such as dns,query', 0), // RFC 9953 §3.2
  flag(11, 'pvd'), // draft-ietf-intarea-proxy-config
  oots, // draft-johani-dnsop-svcb-oots
];
