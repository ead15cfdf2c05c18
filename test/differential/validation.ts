/** The right result of a validating resolver in front of our server, derived from the data and from our own answer. */
import type { Answer } from './answer.js';
import type { Model, OutcomeName } from './model.js';
import { lower, type Name, nameFromText, nameKey, nameToText } from './names.js';
import type { Query } from './queries.js';
import { showsWildcardNonTerminal } from './rules.js';
import { T } from './types.js';

const NXDOMAIN = 3;

/** Links of a CNAME chain that unbound follows at most are 11. */
const MOST_LINKS = 8;

/** 'secure': AD must be set. 'not bogus': anything but SERVFAIL. undefined: the resolver cannot answer this by itself. */
export type Expectation = 'secure' | 'not bogus' | undefined;

const NEGATIVE: readonly OutcomeName[] = ['NODATA', 'NXDOMAIN', 'wildcard NODATA', 'empty non-terminal', 'DS at a cut'];

export function expectation(
  model: Model,
  query: Query,
  ours: Answer,
  resolver: 'unbound' | 'delv' = 'unbound',
): Expectation {
  const outcomes = model.classify(query.name, query.type);
  if (outcomes.length === 0 || query.type === T.RRSIG || query.type === T.ANY || query.type === T.MAILB)
    return undefined;
  if (outcomes.some((outcome) => outcome.startsWith('referral'))) return undefined;
  if (ours.rcode !== 0 && ours.rcode !== NXDOMAIN) return undefined;
  // DS at the apex is a question to the parent.
  if (query.type === T.DS && query.name.length === model.zone.origin.length) return undefined;
  if (leavesZone(model, ours)) return undefined;
  if (resolver === 'unbound' ? isBeyondUnbound(model, query, ours) : isBeyondDelv(query, ours)) return undefined;
  if (model.signing !== 'opt-out') return 'secure';
  // A span that opts out proves nothing about names in it (RFC 5155 §9.2): only an answer without such a span must be secure.
  const isMatched = outcomes.includes('NODATA') || outcomes.includes('empty non-terminal');
  const nodata = isMatched && query.type !== T.DS && ours.answer.size === 0 && !model.isOptedOut(query.name);
  const positive = ours.answer.size > 0 && ours.authority.size === 0;
  return nodata || positive ? 'secure' : 'not bogus';
}

/**
 * Questions whose answers unbound 1.17 never validates, although delv does:
 *
 * - DS at the end of a chain;
 * - QTYPE CNAME or DNAME below a DNAME;
 * - two links through one DNAME: it removes the second CNAME from the answer, because no DNAME stands right before it. An RRset is in an answer
 *   once (RFC 2181 §5), no clause says where, and the signed DNAME is all that a validator needs for each CNAME that is made from it
 *   (RFC 6672 §5.3.1);
 * - names that an asterisk label makes look like wildcards;
 * - a wildcard that is an empty non-terminal, at the end of a chain or where the NSEC that shows it is owned by another wildcard. Such a
 *   wildcard exists (RFC 4592 §2.2.2), so that the answer is NODATA. The proof is the NSEC whose next name is below the wildcard, and the one
 *   that denies the name (RFC 4035 §3.1.3.4); we send both. Behind a chain unbound takes the first for a proof that there is no wildcard, and
 *   says that "the name exists and not exists". In an NSEC owned by a wildcard it looks at the types only;
 * - DS at a cut that opts out, where the NSEC3 record that covers the cut happens to be that of a wildcard with a CNAME (RFC 5155 §7.2.4 asks for
 *   that record): it takes the question for one that the wildcard answers.
 */
function isBeyondUnbound(model: Model, { name, type }: Query, { answer, authority, rcode }: Answer): boolean {
  const links = [...answer.values()].filter((rrset) => rrset.type === T.CNAME || rrset.type === T.DNAME);
  if (type === T.DS && (links.length > 0 || (model.signing === 'opt-out' && hasAliasWildcard(model, name))))
    return true;
  // A name below an opted-out empty non-terminal cannot be told from one that a wildcard above it would make: no
  // NXDOMAIN there can be proved (RFC 5155 §7.1 leaves such a name out of the chain).
  if (model.signing === 'opt-out' && rcode === NXDOMAIN) {
    const last = links.findLast((rrset) => rrset.type === T.CNAME)?.rdata[0]?.trim();
    const end = last === undefined ? name : nameFromText(last);
    if (model.isOptedOut(model.closestEncloser(end))) return true;
  }
  const rrsets = [...answer.values()];
  const isSigned = (owner: string): boolean => rrsets.some((one) => one.covered === T.CNAME && one.owner === owner);
  const synthesised = links.filter((link) => link.type === T.CNAME && !isSigned(link.owner)).length;
  const dnames = links.filter((link) => link.type === T.DNAME).length;
  if (dnames > 0 && synthesised > dnames) return true;
  if ((type === T.CNAME || type === T.DNAME) && rrsets.some((rrset) => rrset.type === T.DNAME)) return true;
  const isStarred = (text: string): boolean => /(^|\.)\*\./.test(text);
  const exists = model.zone.nodes.has(nameKey(name)) && !name.slice(1).includes('*');
  const starredLink = links.some(({ owner, rdata }) => isStarred(owner) || isStarred(rdata[0]?.trim() ?? ''));
  const proofs = [...authority.values()].filter(showsWildcardNonTerminal);
  if (proofs.length > 0 && (links.length > 0 || proofs.some(({ owner }) => owner.startsWith('*.')))) return true;
  return starredLink || (isStarred(nameToText(name)) && !exists);
}

/** Whether a wildcard with a CNAME could be that of a name's closest encloser. */
function hasAliasWildcard({ zone }: Model, name: Name): boolean {
  const wildcards = name.map((_, at) => zone.nodes.get(nameKey(['*', ...name.slice(at + 1)])));
  return wildcards.some((node) => node?.rrsets.has(T.CNAME));
}

/**
 * Questions that delv of BIND 9.18 does not answer by what we say: it goes on at a DNAME when QTYPE is CNAME or DNAME, and takes an alias in an answer
 * to QTYPE NSEC for a format error.
 */
function isBeyondDelv({ type }: Query, { answer }: Answer): boolean {
  const rrsets = [...answer.values()];
  if (type === T.NSEC) return rrsets.some((rrset) => rrset.type === T.CNAME);
  return (
    (type === T.CNAME || type === T.DNAME) && rrsets.some((rrset) => rrset.type === T.DNAME && rrset.covered === 0)
  );
}

/** Whether the answer ends at a cut or outside, loops, or is too long for the resolver. */
function leavesZone(model: Model, { answer, authority }: Answer): boolean {
  const links = [...answer.values()].filter(({ type }) => type === T.CNAME);
  if (links.length > MOST_LINKS || [...authority.values()].some(({ type }) => type === T.NS)) return true;
  const owners = new Set(links.map(({ owner }) => owner));
  const origin = lower(nameToText(model.zone.origin));
  for (const { rdata, owner } of links) {
    const target = rdata[0]?.trim() ?? '';
    // A link back to itself or to an earlier one, or out of the zone.
    if (target !== origin && !target.endsWith(`.${origin}`)) return true;
    if (owners.has(target) && [...owners].indexOf(target) <= [...owners].indexOf(owner)) return true;
  }
  return false;
}

/** The outcomes that the validation must have been tried with. */
export const VALIDATED: readonly OutcomeName[] = ['answer', 'CNAME', 'DNAME', 'wildcard', ...NEGATIVE];
