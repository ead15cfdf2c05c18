/**
 * The zone and the queries of all measurements: 100,000 names and 1,000 delegations; 70 % hits, 10 % NXDOMAIN, 5 % NODATA,
 * 5 % wildcard, 5 % referral, 5 % apex MX.
 */

/** Kinds of query of the workload, in its proportions (percent). */
export const MIX = { hit: 70, nxdomain: 10, nodata: 5, wildcard: 5, referral: 5, mx: 5 } as const;
export type QueryKind = keyof typeof MIX;

export const ZONE = 'bench.test';

/** A small, fast generator of pseudo-random numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The zone as a zone file. */
export function zoneText(names = 100_000, delegations = 1_000): string {
  const lines = [
    `$ORIGIN ${ZONE}.`,
    '$TTL 3600',
    '@ IN SOA ns1 hostmaster 2026112101 7200 900 1209600 300',
    '@ IN NS ns1',
    '@ IN NS ns2',
    '@ IN MX 10 mail',
    'ns1 IN A 192.0.2.1',
    'ns2 IN A 192.0.2.2',
    'mail IN A 192.0.2.3',
    '*.wild IN A 192.0.2.4',
  ];
  for (let i = 0; i < names; i++) lines.push(`host${i} IN A 10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`);
  for (let i = 0; i < delegations; i++) {
    lines.push(`sub${i} IN NS ns1.sub${i}`, `sub${i} IN NS ns2.sub${i}`);
    lines.push(`ns1.sub${i} IN A 192.0.2.10`, `ns2.sub${i} IN A 192.0.2.11`);
  }
  return `${lines.join('\n')}\n`;
}

/** A zone of eleven records, for any origin: one of many. */
export function smallZoneText(number: number): string {
  return `$TTL 300
@ IN SOA ns1 host ${number + 1} 7200 900 1209600 300
@ IN NS ns1
@ IN NS ns2
ns1 IN A 192.0.2.1
ns2 IN A 192.0.2.2
@ IN MX 10 mail
mail IN A 192.0.2.3
www IN A 192.0.2.4
www IN AAAA 2001:db8::1
ftp IN CNAME www
`;
}

/** A query of one kind: name and type. */
export function queryOf(kind: QueryKind, random: () => number, names = 100_000, delegations = 1_000): [string, string] {
  const host = Math.floor(random() * names);
  switch (kind) {
    case 'hit':
      return [`host${host}.${ZONE}`, 'A'];
    case 'nxdomain':
      return [`missing${host}.${ZONE}`, 'A'];
    case 'nodata':
      return [`host${host}.${ZONE}`, 'AAAA'];
    case 'wildcard':
      return [`w${host}.wild.${ZONE}`, 'A'];
    case 'referral':
      return [`www.sub${Math.floor(random() * delegations)}.${ZONE}`, 'A'];
    case 'mx':
      return [ZONE, 'MX'];
  }
}

/** `count` queries of the whole mix. */
export function queries(count: number, random: () => number, names = 100_000, delegations = 1_000): [string, string][] {
  const kinds = (Object.entries(MIX) as [QueryKind, number][]).flatMap(([kind, share]) => Array(share).fill(kind));
  const draw = (): QueryKind => kinds[Math.floor(random() * 100)] as QueryKind;
  return Array.from({ length: count }, () => queryOf(draw(), random, names, delegations));
}
