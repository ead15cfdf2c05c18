/**
 * Zone files of kinds that servers have read differently: $TTL and owners around $INCLUDE, quotes at every place of a line, letter
 * case in names of RDATA. The same seed gives the same files.
 */
import { randomFrom } from '../zone/random-zone.js';

/** A zone file `main`, and the files that it includes. */
export interface OddZone {
  readonly kind: 'include' | 'quote' | 'case';
  readonly files: Readonly<Record<string, string>>;
  /** Why a peer is not asked: what it does not implement. */
  readonly without: Readonly<Partial<Record<'BIND' | 'NSD', string>>>;
}

const APEX = '@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n';
const TTLS = ['5', '77', '1h', '2d3h'];

export function oddZones(seed: number, count: number): OddZone[] {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const makers = [includes, quotes, quotes, cases];
  return Array.from({ length: count }, (_, i) => makers[i % makers.length]!(below));
}

type Below = (limit: number) => number;
const pick = <T>(below: Below, list: readonly T[]): T => list[below(list.length)]!;

/** Files that include each other, up to four deep, with TTLs, owners and origins that are stated or not. */
function includes(below: Below): OddZone {
  const files: Record<string, string> = {};
  let serial = 0;
  const write = (depth: number): string => {
    const lines: string[] = [];
    for (let i = 1 + below(5); i > 0; i--) {
      const number = ++serial;
      const ttl = below(3) === 0 ? `${pick(below, TTLS)} ` : '';
      switch (below(depth < 4 ? 7 : 5)) {
        case 0:
          lines.push(`$TTL ${pick(below, TTLS)}`);
          break;
        case 1:
          lines.push(`$ORIGIN o${number}${pick(below, ['', '.example.'])}`);
          break;
        case 2:
          // Types of their own: RRsets of one TTL are compared.
          lines.push(` ${ttl}TYPE${65_000 + number} \\# 0`);
          break;
        case 3:
        case 4:
          lines.push(`n${number} ${ttl}A 192.0.2.${number % 256}`);
          break;
        default: {
          const name = `f${number}`;
          files[name] = write(depth + 1);
          lines.push(`$INCLUDE ${name}${pick(below, ['', '', ` i${number}`, ' abs.example.'])}`);
        }
      }
    }
    return `${lines.join('\n')}\n`;
  };
  const isStated = below(4) > 0;
  const head = isStated ? `$TTL ${pick(below, TTLS)}\n` : '';
  const soa = below(2) === 0 ? APEX : APEX.replace('@ SOA', '@ 100 SOA');
  files.main = `${head}${soa}${write(0)}n0 A 192.0.2.2\n`;
  // RFC 1035 §5.1: "omitted … TTL values are default to the last explicitly stated values".
  return {
    kind: 'include',
    files,
    without: isStated ? {} : { NSD: 'has neither the last TTL nor that of the SOA record' },
  };
}

const LINES = [
  't TXT foo bar',
  't TXT "foo" "bar baz"',
  't TXT foo"a;b c"',
  't TXT a="b c" d',
  'h HINFO cpu os',
  'h HINFO "cpu x" os',
  'c CNAME target',
  'm MX 10 mail',
  'a A 192.0.2.7',
  'k CAA 0 issue "ca.example"',
  's SVCB 1 . alpn="h2,h3" port=53',
  's SVCB 1 svc alpn=h2 key667="a b"',
  'n NAPTR 10 20 "S" "SIP" "" _sip',
  'r SRV 1 2 3 target',
  'd DS 1 8 1 26584835CA80C81C91999F31CFAF2A0E89D4FF1C',
  'g TYPE65280 \\# 2 abcd',
];

/** One line with up to three quotes where there were none. */
function quotes(below: Below): OddZone {
  let line = pick(below, LINES);
  for (let i = 1 + below(3); i > 0; i--) {
    const at = below(line.length + 1);
    line = `${line.slice(0, at)}${pick(below, ['"', '"', '""', '\\"', '" "'])}${line.slice(at)}`;
  }
  return { kind: 'quote', files: { main: `$TTL 60\n${APEX}${line}\nlast A 192.0.2.8\n` }, without: {} };
}

/**
 * RDATA with `%` for each name, of the types whose names have one form whatever their letter case (RFC 4034 §6.2, RFC 6840 §5.1). Not MD and
 * MF: BIND refuses them, and we warn.
 */
const FOLDED = [
  'NS %',
  'MX 1 %',
  'PTR %',
  'SRV 1 2 3 %',
  'RP % %',
  'AFSDB 1 %',
  'RT 1 %',
  'KX 1 %',
  'PX 1 % %',
  'MINFO % %',
  'MB %',
  'MG %',
  'MR %',
  'NAPTR 1 2 "s" "t" "" %',
];
/** Of these, an owner has one: two that differ by more than letter case are refused. */
const SINGLE = ['CNAME %', 'DNAME %'];
/** Names of which letter case makes two records. */
const UNFOLDED = ['SVCB 1 %', 'HTTPS 1 %', 'LP 1 %'];
const TARGETS = ['target.example.', 'far.target.test.', 'up', '@'];

/** The name in some letter case. */
function inSomeCase(name: string, below: Below): string {
  return [...name].map((letter) => (below(2) === 0 ? letter.toUpperCase() : letter)).join('');
}

/** RRsets whose records differ in the letter case of owners, types and names of RDATA, or in more. */
function cases(below: Below): OddZone {
  const lines: string[] = [];
  for (let i = 1 + below(4); i > 0; i--) {
    const form = pick(below, [...FOLDED, ...FOLDED, ...UNFOLDED, ...SINGLE]);
    const names = [pick(below, TARGETS), pick(below, TARGETS)];
    const owner = `x${i}${pick(below, ['', '.sub'])}`;
    for (let copy = 1 + below(3); copy > 0; copy--) {
      // Now and then another name: that is another record, or too many.
      const name = (): string => (below(8) === 0 ? pick(below, TARGETS) : (names.at(below(2)) ?? '@'));
      const rdata = form.replaceAll('%', () =>
        inSomeCase(SINGLE.includes(form) && below(4) > 0 ? names[0]! : name(), below),
      );
      lines.push(`${inSomeCase(owner, below)} ${rdata}`);
    }
  }
  const apex = below(4) === 0 ? `${APEX}@ SOA NS HOST 1 2 3 4 5\n` : APEX;
  return { kind: 'case', files: { main: `$TTL 60\n${apex}${lines.join('\n')}\n` }, without: {} };
}
