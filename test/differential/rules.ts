/**
 * The only list of differences that the comparison forgives: where an RFC leaves a choice, or docs/protocol.md decides otherwise than a
 * peer does. Each entry says why, with its clause, and takes from the views no more than that.
 */
import type { Answer, AnswerRRset, Section } from './answer.js';
import type { Query } from './queries.js';
import { T } from './types.js';
import type { View } from './view.js';

interface Comparison {
  readonly query: Query;
  readonly peer: string;
  readonly ours: Answer;
  readonly theirs: Answer;
}

/** The effect of a rule: none; it changed the views; or it found that this peer cannot judge this question. */
type Effect = 'none' | 'changed' | 'abstains';

interface Rule {
  readonly name: string;
  readonly clause: string;
  readonly reason: string;
  /** Makes the parts of the two views equal that may differ. */
  apply?(ours: View, theirs: View, comparison: Comparison): Effect;
}

const changed = (yes: boolean): Effect => (yes ? 'changed' : 'none');
const abstains = (yes: boolean): Effect => (yes ? 'abstains' : 'none');

/** Links of chains that each peer follows at most: Knot 3.2, BIND 9.18 (max-query-restarts), and ours. */
const LINKS: Readonly<Record<string, number>> = { Knot: 5, BIND: 11 };
const OUR_LINKS = 16;

function links(section: Section): number {
  let count = 0;
  for (const { type } of section.values()) if (type === T.CNAME) count++;
  return count;
}

/** Whether the chain goes round: a CNAME's target is an earlier owner, or a DNAME's target is at or below its owner. */
function loops(section: Section): boolean {
  const owners = new Set([...section.values()].filter(({ type }) => type === T.CNAME).map(({ owner }) => owner));
  for (const { owner, type, rdata } of section.values()) {
    const target = rdata[0]?.trim() ?? '';
    if (type === T.CNAME && owners.has(target) && [...owners].indexOf(target) <= [...owners].indexOf(owner))
      return true;
    if (type === T.DNAME && (target === owner || target.endsWith(`.${owner}`))) return true;
  }
  return false;
}

function atOrBelow(name: string, ancestor: string): boolean {
  return name === ancestor || name.endsWith(`.${ancestor}`);
}

/**
 * Whether an NSEC record shows that a wildcard is an empty non-terminal: its next name stands below the wildcard, and its owner neither is the
 * wildcard nor stands below it.
 */
export function showsWildcardNonTerminal({ owner, type, rdata }: AnswerRRset): boolean {
  const next = type === T.NSEC ? /^ ((?:[^\\ ]|\\\d{3})+)/.exec(rdata[0] ?? '')?.[1] : undefined;
  const at = next?.indexOf('.*.') ?? -1;
  if (next === undefined || at < 0) return false;
  const wildcard = next.slice(at + 1);
  return owner !== wildcard && !owner.endsWith(`.${wildcard}`);
}

function isAddress(type: number): boolean {
  return type === T.A || type === T.AAAA;
}

function referralCuts({ authority }: Answer): string[] {
  return [...authority.values()].filter(({ type }) => type === T.NS).map(({ owner }) => owner);
}

/** Targets of the NS records of a section. */
function targetsOf(section: Section): Set<string> {
  const targets = new Set<string>();
  for (const { type, rdata } of section.values()) {
    if (type === T.NS) for (const target of rdata) targets.add(target.trim());
  }
  return targets;
}

/** Removes the RRsets of the answer's additional section that `isFree` names. */
function dropAdditional(view: View, whole: Answer, isFree: (owner: string, type: number) => boolean): boolean {
  let dropped = false;
  for (const [key, { owner, type, covered }] of whole.additional) {
    if (isFree(owner, covered || type)) dropped = view.additional.delete(key) || dropped;
  }
  return dropped;
}

export const RULES: readonly Rule[] = [
  {
    name: 'letter case and order',
    clause: 'RFC 4343 §3, RFC 2181 §5, RFC 1035 §4.1.4',
    reason:
      'Names compare case-insensitively, compression may change their case, an RRset is a set: done by the decoder.',
  },
  {
    name: 'truncated answers',
    clause: 'RFC 2181 §9, docs/protocol.md "Truncation"',
    reason:
      'What stands in a truncated answer depends on compression and order: when any server truncates, the answers over TCP are compared, and ours over UDP is judged by ours over TCP (truncation.ts).',
  },
  {
    name: 'EDNS options',
    clause: 'RFC 8914 §2, RFC 6891 §6.1.2',
    reason: 'No option was asked for; extended errors are diagnostics and every server words them as it likes.',
    apply(ours, theirs) {
      const strip = (edns: string): string => edns.replace(/ \[.*\]$/, '');
      const before = ours.edns + theirs.edns;
      ours.edns = strip(ours.edns);
      theirs.edns = strip(theirs.edns);
      return changed(before.includes('[') && /\[\d/.test(before));
    },
  },
  {
    name: 'CD copied by BIND',
    clause: 'RFC 4035 §3.1.6',
    reason: 'An authoritative server MUST clear the CD bit; BIND copies it.',
    apply(_, theirs, { peer }) {
      if (peer !== 'BIND' || (theirs.flags & 0x10) === 0) return 'none';
      theirs.flags &= ~0x10;
      return 'changed';
    },
  },
  {
    name: 'subset of types',
    clause: 'RFC 8482 §4.1, docs/protocol.md "QTYPE ANY"',
    reason:
      'ANY and RRSIG may be answered with any subset of the RRsets at the name: only those both chose are compared.',
    apply(ours, theirs, { query }) {
      if (query.type !== T.ANY && query.type !== T.RRSIG) return 'none';
      if (ours.answer.size === 0 || theirs.answer.size === 0) return 'none';
      let dropped = false;
      for (const key of [...ours.answer.keys()])
        dropped = (!theirs.answer.has(key) && ours.answer.delete(key)) || dropped;
      for (const key of [...theirs.answer.keys()])
        dropped = (!ours.answer.has(key) && theirs.answer.delete(key)) || dropped;
      return changed(dropped);
    },
  },
  {
    name: 'additional records beyond what is needed',
    clause: 'RFC 9471 §3, RFC 1034 §4.3.2 step 6, docs/protocol.md "Additional records", docs/protocol.md "Glue"',
    reason:
      'In-domain glue of referrals, and addresses for NS answers, which all of us add, are compared. Peers add more to minimal answers (addresses for MX and SRV) or less (BIND leaves out sibling glue); ours may add sibling glue and nothing else.',
    apply(ours, theirs, comparison) {
      const cuts = referralCuts(comparison.ours);
      const servers = comparison.query.type === T.NS ? targetsOf(comparison.ours.answer) : new Set<string>();
      const isNeeded = (owner: string): boolean => servers.has(owner) || cuts.some((cut) => atOrBelow(owner, cut));
      const targets = targetsOf(comparison.ours.authority);
      const sibling = (owner: string, type: number): boolean =>
        isAddress(type) && targets.has(owner) && !isNeeded(owner);
      const fromOurs = dropAdditional(ours, comparison.ours, sibling);
      const fromTheirs = dropAdditional(theirs, comparison.theirs, (owner) => !isNeeded(owner));
      return changed(fromOurs || fromTheirs);
    },
  },
  {
    name: 'limit of a chain',
    clause: 'RFC 1034 §3.6.2, docs/protocol.md "Ends of a chain"',
    reason:
      'Nobody says how long a chain a server must follow: Knot stops after 5 links, BIND after 11 (SERVFAIL), we after 16.',
    apply(_ours, _theirs, { peer, ours, theirs }) {
      const own = links(ours.answer);
      const limit = LINKS[peer];
      const stopped = limit !== undefined && own > limit && links(theirs.answer) >= limit;
      return abstains(stopped || own >= OUR_LINKS);
    },
  },
  {
    name: 'loop',
    clause: 'RFC 1034 §3.6.2, RFC 6672 §2.4, docs/protocol.md "Ends of a chain"',
    reason:
      'A chain that goes round is answered NOERROR with each link once; BIND says SERVFAIL, Knot stops where its limit is, NSD does not follow a DNAME into itself.',
    apply(_ours, _theirs, { ours }) {
      return abstains(loops(ours.answer));
    },
  },
  {
    name: 'types that may stand beside a CNAME',
    clause: 'RFC 1034 §3.6.2, RFC 4035 §2.5, RFC 2181 §10.1, RFC 5155 §7.2.8',
    reason:
      'Asked for NSEC or RRSIG at a CNAME that has none, also at the end of a chain, Knot and BIND answer NODATA, NSD follows the CNAME; asked for NSEC3 it is NSD that does not.',
    apply(_ours, _theirs, { query, ours, theirs }) {
      if (query.type !== T.NSEC && query.type !== T.RRSIG && query.type !== T.NSEC3) return 'none';
      return abstains(links(ours.answer) !== links(theirs.answer));
    },
  },
  {
    name: 'ANY at a DNAME',
    clause: 'RFC 6672 §3.2, docs/protocol.md "CNAME and DNAME"',
    reason: 'QTYPE ANY stops at a CNAME, a synthesised one too, as in BIND; NSD and Knot follow it.',
    apply(ours, theirs, { query, peer, ours: answers }) {
      if (query.type !== T.ANY || peer === 'BIND' || links(answers.answer) === 0) return 'none';
      return abstains(ours.authority.size !== theirs.authority.size || ours.rcode !== theirs.rcode);
    },
  },
  {
    name: 'chain into a cut of a zone that is served too',
    clause: 'RFC 1034 §4.3.2, docs/protocol.md "Ends of a chain"',
    reason:
      'A target below a cut is answered with the referral, also when we serve the child, as Knot does; NSD and BIND leave it out then.',
    apply(_ours, _theirs, { peer, ours, theirs }) {
      const left = links(ours.answer) > 0 && referralCuts(ours).length > 0 && referralCuts(theirs).length === 0;
      return abstains(peer !== 'Knot' && left);
    },
  },
  {
    name: 'wildcard that is an empty non-terminal, NSEC',
    clause: 'RFC 4592 §2.2.2, RFC 4035 §3.1.3.4, docs/protocol.md "Wildcards"',
    reason:
      'NODATA needs the NSEC that denies the name and the one that shows the empty non-terminal; peers send one of them.',
    apply(_ours, _theirs, { ours, theirs }) {
      if (![...ours.authority.values()].some(showsWildcardNonTerminal)) return 'none';
      return abstains([...theirs.authority.keys()].every((key) => ours.authority.has(key)));
    },
  },
  {
    name: 'DNAME owned by a wildcard, Knot',
    clause: 'RFC 4592 §4.4, docs/protocol.md "Wildcards"',
    reason:
      'Such a DNAME is discouraged and undefined; taken literally by us, NSD and BIND, Knot says SERVFAIL or synthesises it.',
    apply(_ours, _theirs, { peer, ours }) {
      const owned = [...ours.answer.values()].some(({ owner, type }) => type === T.DNAME && owner.startsWith('*.'));
      return abstains(peer === 'Knot' && owned);
    },
  },
  {
    name: 'NSEC at a cut, BIND',
    clause: 'RFC 4035 §2.3, docs/protocol.md "QTYPE ANY"',
    reason: "NSEC at a cut is answered with the referral, as by NSD and Knot; BIND gives the parent's NSEC.",
    apply(_ours, _theirs, { query, peer, ours, theirs }) {
      return abstains(peer === 'BIND' && query.type === T.NSEC && !ours.aa && theirs.aa);
    },
  },
  {
    name: 'MAILB at BIND',
    clause: 'RFC 1035 §3.2.3, docs/protocol.md "QTYPE"',
    reason: 'MAILB is asked for like any type; BIND says NOTIMP.',
    apply(_ours, _theirs, { peer, query }) {
      return abstains(peer === 'BIND' && query.type === T.MAILB);
    },
  },
];
