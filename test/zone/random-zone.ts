/** Random zones as text, for property tests: the same seed gives the same zone. */

/** A generator of numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LABELS = [
  'a',
  'B',
  'www',
  '*',
  '_dns',
  'x-1',
  '\\.',
  'a\\.b',
  '\\000',
  '\\255\\032',
  '\\@',
  '\\"',
  'very-long-label-0123456789',
];

/** RDATA in many forms; relative names and names of other zones among it. */
const RDATA = [
  'A 192.0.2.1',
  'A 198.51.100.7',
  'A \\# 4 c6336407',
  'AAAA 2001:db8::1',
  'AAAA ::ffff:192.0.2.1',
  'TXT "a b" c "" "\\"\\\\\\007"',
  'TXT ( x\n  "y" ; comment\n )',
  'MX 10 mail',
  'MX 10 MAIL',
  'MX 0 .',
  'SRV 1 2 3 www.example.net.',
  'CAA 0 issue "ca.example"',
  'PTR @',
  'HINFO "x y" z',
  'LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m',
  'NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@b!" .',
  'DS 1 8 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766',
  'TLSA 3 1 1 00ff',
  'SSHFP 1 1 00112233445566778899aabbccddeeff00112233',
  'HTTPS 1 . alpn="h2,h3" port=443',
  'SVCB 0 svc.example.net.',
  'URI 1 2 "https://example/"',
  'TYPE65280 \\# 3 abcdef',
  'TYPE65281 \\# 0',
  'NSEC b A MX TYPE65280',
  'RRSIG A 8 2 3600 20370101000000 20260101000000 1 example. AAAA',
  'EUI48 00-00-5e-00-53-2a',
  'RP host txt',
  'APL 1:192.0.2.0/24 !2:2001:db8::/32',
  'DNSKEY 256 3 13 AAAA',
  'CSYNC 1 3 A NS',
  'ZONEMD 1 240 240 00112233445566778899aabb',
  'OPENPGPKEY AAAA',
  'NID 10 0014:4fff:ff20:ee64',
  'L32 10 192.0.2.1',
  'LP 10 www',
];

/** A zone below `example.` with about `size` records. */
export function randomZone(seed: number, size: number): string {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const name = (): string => {
    if (random() < 0.1) return '@';
    const labels = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(LABELS));
    return `${labels.join('.')}${random() < 0.3 ? '.example.' : ''}`;
  };
  const lines = [
    `$TTL ${pick(['1h', '300', '1d2h'])}`,
    '@ SOA ns host ( 1 2h\n 15m 4w 5m )',
    '@ NS ns',
    'ns A 192.0.2.1',
  ];
  for (let i = 0; i < size; i++) {
    const chance = random();
    if (chance < 0.03) lines.push(`$ORIGIN ${pick(['sub', 'example.', 'a\\.b.example.', 'deep.er'])}`);
    else if (chance < 0.05) lines.push(`$TTL ${Math.floor(random() * 100_000)}`);
    else if (chance < 0.08) lines.push(`$GENERATE 1-${1 + Math.floor(random() * 5)} g$ A 192.0.2.$`);
    const owner = random() < 0.2 ? '' : name();
    const fields = [random() < 0.3 ? `${Math.floor(random() * 1000)}` : '', random() < 0.3 ? 'IN' : ''];
    if (random() < 0.5) fields.reverse();
    lines.push(
      [owner, ...fields, pick(RDATA)].filter((field, k) => k === 0 || field !== '').join(pick([' ', '\t', '  '])),
    );
  }
  return `${lines.join(pick(['\n', '\r\n']))}\n`;
}
