/**
 * Mistakes put into the sources on purpose: each replaces a piece of text that must occur exactly once in its file. A
 * mutant that survives all tests shows a gap in them. Here are those of the engine; session.ts, client.ts and transfer.ts have others.
 */
import { CLIENT } from './client.js';
import { SESSION } from './session.js';
import { TRANSFER } from './transfer.js';

export interface Mutant {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const RESOLVE: readonly Mutant[] = [
  {
    name: 'NXDOMAIN without its RCODE',
    file: 'answer/resolve.ts',
    find: 'x.rcode = Rcode.NXDOMAIN;',
    replace: 'x.rcode = Rcode.NOERROR;',
  },
  {
    name: 'wildcard answer without proof of the next closer',
    file: 'answer/resolve.ts',
    find: 'if (provesDenial(x)) proveNoCloser(x, encloser, left);',
    replace: '',
  },
  {
    name: 'wildcard never found',
    file: 'answer/resolve.ts',
    find: 'if (wildcard !== 0) {',
    replace: 'if (wildcard < 0) {',
  },
  {
    name: 'wildcard NODATA proved like any NODATA',
    file: 'answer/resolve.ts',
    find: 'if (encloser !== 0) proveWildcardNodata(x, encloser, node);',
    replace: 'if (encloser !== 0) proveNodata(x, node);',
  },
  {
    name: 'DS at a cut is a referral',
    file: 'answer/resolve.ts',
    find: 'walk(x, x.qtype === Type.DS ? 1 : 0)',
    replace: 'walk(x, 0)',
  },
  {
    name: 'AA in referrals',
    file: 'answer/resolve.ts',
    find: 'x.outcome.kind = Kind.REFERRAL;',
    replace: 'x.outcome.kind = Kind.REFERRAL; x.authoritative = 1;',
  },
  {
    name: 'referral without denial of DS',
    file: 'answer/resolve.ts',
    find: '} else if (provesDenial(x)) proveNodata(x, cut);',
    replace: '}',
  },
  {
    name: 'referral without in-domain glue',
    file: 'answer/resolve.ts',
    find: 'if (!putProofs(x) || !putAddresses(x, ns, recordsAt, Targets.IN_DOMAIN, owner)) {',
    replace: 'if (!putProofs(x)) {',
  },
  {
    name: 'referral without sibling glue',
    file: 'answer/resolve.ts',
    find: '  putAddresses(x, ns, recordsAt, Targets.OTHERS, owner);\n',
    replace: '',
  },
  {
    name: 'QTYPE CNAME follows a DNAME',
    file: 'answer/resolve.ts',
    find: 'const stop = x.qtype === Type.CNAME || x.qtype === Type.ANY;',
    replace: 'const stop = x.qtype === Type.ANY;',
  },
  {
    name: 'chain ends at its first link',
    file: 'answer/resolve.ts',
    find: 'findRrset(x, node, Type.CNAME), false)',
    replace: 'findRrset(x, node, Type.CNAME), true)',
  },
  {
    name: 'ANY chooses NSEC',
    file: 'answer/resolve.ts',
    find: 'if (type !== Type.RRSIG && type !== Type.NSEC)',
    replace: 'if (type === Type.NSEC)',
  },
  {
    name: 'negative answers never truncated',
    file: 'answer/resolve.ts',
    find: 'const written = putRrset(x, x.words[x.base + L.HEADER_NEGATIVE_SOA]!, x.apexPointer, x.dnssecOk);\n  x.authorities += written;\n  if (written === 0 || !putAuthority(x)) x.truncate();',
    replace:
      'const written = putRrset(x, x.words[x.base + L.HEADER_NEGATIVE_SOA]!, x.apexPointer, x.dnssecOk);\n  x.authorities += written;\n  putAuthority(x);',
  },
];

const LOOKUP: readonly Mutant[] = [
  {
    name: 'names compared by letter case',
    file: 'answer/lookup.ts',
    find: 'LOWER[bytes[label + i]!] === LOWER[octets[at + i]!]',
    replace: 'bytes[label + i]! === octets[at + i]!',
  },
  {
    name: 'DNAME redirects its own owner',
    file: 'answer/lookup.ts',
    find: '(info & L.NODE_DNAME) !== 0 && left > 0',
    replace: '(info & L.NODE_DNAME) !== 0',
  },
  {
    name: 'name of a cut answered as if it were ours',
    file: 'answer/lookup.ts',
    find: '(left > 0 || parentSide === 0)',
    replace: 'left > 0',
  },
  {
    name: 'apex DNAME ignored',
    file: 'answer/lookup.ts',
    find: 'if (left > 0 && (words',
    replace: 'if (left > 999 && (words',
  },
];

const DENIAL: readonly Mutant[] = [
  {
    name: 'NSEC: NXDOMAIN without denial of the wildcard',
    file: 'answer/denial.ts',
    find: 'add(x, nsecBefore(x, encloser, ASTERISK_LABEL, 0));',
    replace: '',
  },
  {
    name: 'NSEC3: NXDOMAIN without denial of the wildcard',
    file: 'answer/denial.ts',
    find: 'add(x, -x.words[x.base + provable + L.NODE_CHILDREN]!);',
    replace: '',
  },
  {
    name: 'NSEC3: NXDOMAIN without the next closer',
    file: 'answer/denial.ts',
    find: 'if (provable === encloser) add(x, -Math.abs(placeOfNextCloser(x, left)));',
    replace: '',
  },
  {
    name: 'NSEC: the first sibling covers everything',
    file: 'answer/denial.ts',
    find: 'words[base + table + low * 2]!',
    replace: 'words[base + table + 2]!',
  },
  {
    name: 'opt-out: closest provable encloser without what covers the next name',
    file: 'answer/denial.ts',
    find: 'if (next !== 0) add(x, words[base + next + L.NODE_PROOF]!);',
    replace: '',
  },
  {
    name: 'NSEC3: hash of the name as it was asked',
    file: 'answer/denial.ts',
    find: 'scratchName[to++] = LOWER[name.octets[at + j]!]!;',
    replace: 'scratchName[to++] = name.octets[at + j]!;',
  },
  {
    name: 'proofs repeated',
    file: 'answer/denial.ts',
    find: 'if (x.proofs[i] === proof) return;',
    replace: 'if (x.proofs[i] === proof) break;',
  },
  {
    name: 'denial without DO',
    file: 'answer/denial.ts',
    find: 'return x.dnssecOk === 1 && (',
    replace: 'return (',
  },
];

const CHAIN: readonly Mutant[] = [
  {
    name: 'DNAME repeated for every link',
    file: 'answer/alias-chain.ts',
    find: 'if (x.dnames[i] === ref) return true;',
    replace: 'if (x.dnames[i] === ref) break;',
  },
  {
    name: 'synthesised CNAME with TTL 0',
    file: 'answer/alias-chain.ts',
    find: 'out[to + L.RECORD_TTL + i] = bytes[record + L.RECORD_TTL + i]!;',
    replace: 'out[to + L.RECORD_TTL + i] = 0;',
  },
  {
    name: 'loop followed to the limit',
    file: 'answer/alias-chain.ts',
    find: 'if (i === name.length) return Link.END;',
    replace: '',
  },
  {
    name: 'chain of three links at most',
    file: 'answer/alias-chain.ts',
    find: 'if (x.links === MAX_CHAIN) return Link.END;',
    replace: 'if (x.links === 3) return Link.END;',
  },
  {
    name: 'too long a target is NOERROR',
    file: 'answer/alias-chain.ts',
    find: 'return link === Link.TOO_LONG ? Rcode.YXDOMAIN : Rcode.NOERROR;',
    replace: 'return Rcode.NOERROR;',
  },
];

const SECTIONS: readonly Mutant[] = [
  {
    name: 'addresses of glue: A only',
    file: 'answer/additional.ts',
    find: 'if (!putAddress(x, node, Type.AAAA, pointer) && required) return false;',
    replace: '',
  },
  {
    name: 'glue that does not fit is no reason for TC',
    file: 'answer/additional.ts',
    find: 'if (!putAddress(x, node, Type.A, pointer) && required) return false;',
    replace: 'putAddress(x, node, Type.A, pointer);',
  },
  {
    name: 'signatures without DO',
    file: 'answer/resolve.ts',
    find: ': putRrset(x, ref, owner, x.dnssecOk);',
    replace: ': putRrset(x, ref, owner, 1);',
  },
  {
    name: 'RD not copied',
    file: 'answer/response.ts',
    find: ' | (request[requestAt + 2]! & FLAG_RD)',
    replace: '',
  },
  {
    name: 'RA set',
    file: 'answer/response.ts',
    find: 'response[start + 3] = x.rcode & 15;',
    replace: 'response[start + 3] = (x.rcode & 15) | 0x80;',
  },
  {
    name: 'TC never set',
    file: 'answer/response.ts',
    find: 'x.truncated === 1 ? FLAG_TC : 0',
    replace: 'x.truncated === 1 ? 0 : 0',
  },
  {
    name: 'BADVERS forgotten',
    file: 'answer/respond.ts',
    find: 'if (x.hasOpt === 1 && x.optVersion !== 0) {',
    replace: 'if (x.hasOpt === 2) {',
  },
  {
    name: 'DS asked of the child',
    file: 'answer/respond.ts',
    find: 'if (above !== NOT_SERVED) return above;',
    replace: '',
  },
  {
    name: 'no limit of 512 without EDNS',
    file: 'answer/edns.ts',
    find: 'return x.hasOpt === 0 ? 512 :',
    replace: 'return x.hasOpt === 0 ? 1232 :',
  },
  {
    name: 'sizes below 512 taken at their word',
    file: 'answer/edns.ts',
    find: 'Math.max(512, x.udpSize)',
    replace: 'x.udpSize',
  },
  {
    name: 'DO not copied',
    file: 'answer/edns.ts',
    find: '(x.dnssecOk === 1 ? FLAG_DO : 0)',
    replace: '0',
  },
  {
    name: 'any server cookie accepted',
    file: 'answer/cookies.ts',
    find: 'if (difference === 0) {',
    replace: 'if (difference >= 0) {',
  },
];

const IMAGE: readonly Mutant[] = [
  {
    name: 'negative TTL is that of the SOA',
    file: 'image/compile.ts',
    find: 'Math.min(rrsets.ttl[set]!, readU32(store.rdata, end - 4))',
    replace: 'rrsets.ttl[set]!',
  },
  {
    name: 'empty non-terminals unknown',
    file: 'zone/check-names.ts',
    find: 'if ((places[node]! & Place.EXISTS) !== 0 && node !== apex) places[store.parent[node]!]! |= Place.EXISTS;',
    replace: '',
  },
  {
    name: 'every label that begins with an asterisk is a wildcard',
    file: 'image/compile.ts',
    find: 'if (length === 2 && labels',
    replace: 'if (length >= 2 && labels',
  },
  {
    name: 'NSEC3: the closest encloser taken for the wildcard below it',
    file: 'image/denial.ts',
    find: 'nsec3Hash(name, 0, length, ',
    replace: 'nsec3Hash(name, 2, length - 2, ',
  },
  {
    name: 'NSEC3 chain does not wrap',
    file: 'image/nsec3-search.ts',
    find: 'return low === 0 ? -count : -low;',
    replace: 'return low === 0 ? -1 : -low;',
  },
  {
    name: 'the highest zone answers, not the closest',
    file: 'image/catalog.ts',
    find: 'if (zone !== 0) found = zone;',
    replace: 'if (zone !== 0) {\n      found = zone;\n      break;\n    }',
  },
  {
    name: 'glue counts as below any owner',
    file: 'image/writer.ts',
    find: 'this.#names.isBelowOwner(from) ? L.TARGET_BELOW : 0',
    replace: 'this.#names.isInZone(from) ? L.TARGET_BELOW : 0',
  },
];

const POLICY: readonly Mutant[] = [
  {
    name: 'access list of the server ignored',
    file: 'answer/respond.ts',
    find: 'if (facts.catalog.access !== 0 && !mayAsk(facts)) return refuse(x, facts, Ede.PROHIBITED);',
    replace: '',
  },
  {
    name: 'access list of the server judged for questions only',
    file: 'answer/respond.ts',
    find: 'if (facts.catalog.access !== 0 && !mayAsk(facts))',
    replace: 'if (questions === 1 && facts.catalog.access !== 0 && !mayAsk(facts))',
  },
  {
    name: 'policy of a zone ignored',
    file: 'answer/respond.ts',
    find: 'if (policy !== 0 && !isAdmitted(x, facts, policy))',
    replace: 'if (policy < 0 && !isAdmitted(x, facts, policy))',
  },
  {
    name: 'access list of a zone ignored',
    file: 'answer/policy.ts',
    find: 'return list === 0 || isAllowed(',
    replace: 'return list >= 0 || isAllowed(',
  },
  {
    name: 'a zone for TLS alone answered over TCP',
    file: 'answer/policy.ts',
    find: '!== 0 && !isEncrypted(transport);',
    replace: '!== 0 && transport === Transport.UDP;',
  },
  {
    name: 'a refusal for want of TLS does not say so',
    file: 'answer/respond.ts',
    find: '  x.edeText = TLS_REQUIRED;\n',
    replace: '',
  },
  {
    name: 'the text of a refusal stays for the next one',
    file: 'answer/exchange.ts',
    find: '    this.edeText = NOTHING;\n',
    replace: '',
  },
  {
    name: 'an extended error longer than there is room',
    file: 'answer/edns.ts',
    find: 'fits(x, at, 2 + edeText.length) ? edeText.length : 0',
    replace: 'edeText.length',
  },
  {
    name: 'a policy lost with a new catalog',
    file: 'image/catalog.ts',
    find: 'if (policy !== undefined) zones[at + ZONE_POLICY] = policyTable.addPolicy(policy);',
    replace: 'if (policy !== undefined && generation < 2) zones[at + ZONE_POLICY] = policyTable.addPolicy(policy);',
  },
  {
    name: 'the widest prefix decides',
    file: 'image/access.ts',
    find: '.sort((a, b) => compare(a.first, b.first) || compare(b.end, a.end))',
    replace: '.sort((a, b) => compare(a.first, b.first) || compare(a.end, b.end))',
  },
  {
    name: 'an address that is not allowed is allowed',
    file: 'image/access.ts',
    find: 'const fallback = allow.length === 0;',
    replace: 'const fallback = true;',
  },
  {
    name: 'the last address of an IPv4 prefix is left out',
    file: 'image/access.ts',
    find: 'words[bounds + low + half - 1]! <= turned',
    replace: 'words[bounds + low + half - 1]! <= turned + 1',
  },
  {
    name: 'IPv6 prefixes compared by 96 bits',
    file: 'image/access.ts',
    find: 'return words[bound + 3]! <= d;',
    replace: 'return true;',
  },
  {
    name: 'IPv4-mapped addresses taken for IPv6',
    file: 'image/access.ts',
    find: 'if (a === 0 && b === 0 && c === MAPPED) return allowsIpv4(words, at, d);',
    replace: '',
  },
];

const RATE_LIMIT: readonly Mutant[] = [
  {
    name: 'streams limited',
    file: 'answer/rate-limit.ts',
    find: 'facts.transport !== Transport.UDP || ',
    replace: '',
  },
  {
    name: 'a valid cookie does not lift the limit',
    file: 'answer/rate-limit.ts',
    find: ' || outcome.cookie === 1 || outcome.signed === 1)',
    replace: ' || outcome.signed === 1)',
  },
  {
    name: 'any cookie lifts the limit',
    file: 'answer/cookies.ts',
    find: 'const { request, cookieAt, settings } = x;',
    replace: 'const { request, cookieAt, settings } = x;\n  x.outcome.cookie = 1;',
  },
  {
    name: 'the name asked for counts, not the one that the zone has',
    file: 'answer/resolve.ts',
    find: 'if (x.links === 0) x.outcome.node = x.node;',
    replace: 'if (x.links === 0) x.outcome.node = x.node + x.left * 0 + x.request[x.qnameAt + 2]!;',
  },
  {
    name: 'the name at the end of a chain counts',
    file: 'answer/resolve.ts',
    find: 'if (x.links === 0) x.outcome.node = x.node;',
    replace: 'x.outcome.node = x.node;',
  },
  {
    name: 'NXDOMAIN counted by name',
    file: 'answer/rate-limit.ts',
    find: 'nameless || kind === Kind.NXDOMAIN ? 0 : outcome.node',
    replace: 'nameless ? 0 : outcome.node',
  },
  {
    name: 'refusals counted by zone',
    file: 'answer/rate-limit.ts',
    find: 'nameless ? 0 : outcome.zone',
    replace: 'outcome.zone',
  },
  {
    name: 'addresses counted, not networks',
    file: 'answer/rate-limit.ts',
    find: 'wordOf(client, 0) & maskOf(this.#settings.ipv4Prefix)',
    replace: 'wordOf(client, 0)',
  },
  {
    name: 'a shared bucket limits',
    file: 'answer/rate-limit.ts',
    find: 'return one >= rate && other >= rate;',
    replace: 'return one >= rate || other >= rate;',
  },
  {
    name: 'debt is not remembered',
    file: 'answer/rate-limit.ts',
    find: 'rate * (this.#settings.window + 1)',
    replace: 'rate',
  },
  {
    name: 'a clock that is set back stops time',
    file: 'answer/rate-limit.ts',
    find: 'if (seconds < -SKEW) words[at + TIME] = now;',
    replace: '',
  },
  {
    name: 'a clock that is behind fills accounts up twice',
    file: 'answer/rate-limit.ts',
    find: 'if (seconds < -SKEW) words[at + TIME] = now;',
    replace: 'words[at + TIME] = now;',
  },
  {
    name: 'what slips has data',
    file: 'answer/rate-limit.ts',
    find: 'return isError(outcome.kind) ? length : withoutData(outcome, outBuf, outOff);',
    replace: 'return length;',
  },
  {
    name: 'what slips has AA',
    file: 'answer/slip.ts',
    find: '(out[at + 2]! & ~FLAG_AA) | FLAG_TC',
    replace: 'out[at + 2]! | FLAG_TC',
  },
  {
    name: 'what slips has no cookie',
    file: 'answer/slip.ts',
    find: 'hasCookie(out, opt) ? COOKIE_OPTION : 0',
    replace: '0',
  },
  {
    name: 'NXDOMAIN that slips keeps its RCODE',
    file: 'answer/slip.ts',
    find: '  out[at + 3] = Rcode.NOERROR;\n',
    replace: '',
  },
];

/** Groups of mutants that are judged by the same tests. */
export type Area = 'engine' | 'session' | 'client' | 'transfer';

export function areaOf({ file }: Mutant): Area {
  if (file.startsWith('session/') || file.startsWith('transport/')) return 'session';
  if (file.startsWith('transfer/')) return 'transfer';
  return file.startsWith('client/') ? 'client' : 'engine';
}

export const MUTANTS: readonly Mutant[] = [
  ...RESOLVE,
  ...LOOKUP,
  ...DENIAL,
  ...CHAIN,
  ...SECTIONS,
  ...IMAGE,
  ...POLICY,
  ...RATE_LIMIT,
  ...SESSION,
  ...CLIENT,
  ...TRANSFER,
];

/** The text of the mutant's file with the mistake in it. Throws unless the text to replace occurs exactly once. */
export function mutate({ name, file, find, replace }: Mutant, source: string): string {
  const times = source.split(find).length - 1;
  if (times !== 1) throw new Error(`mutant "${name}": its text occurs ${times} times in src/${file}, not once`);
  return source.replace(find, () => replace);
}
