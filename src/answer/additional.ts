/**
 * The additional section: addresses of the targets of NS, MX, SRV, SVCB and HTTPS records in the same zone (RFC 1035
 * §3.3.9, RFC 2782, RFC 9460 §4.1), the RRsets that aliases of services lead to, and glue (RFC 9471). Hot file: integers,
 * no allocation.
 *
 * Not here: proofs that a target does not exist, which RFC 9460 §4.1 suggests for signed zones.
 */
import * as L from '../image/layout.js';
import { Type } from '../protocol/iana.js';
import { type Exchange, MAX_SERVICE_TARGETS, MAX_SERVICES } from './exchange.js';
import { composeOwner, findRrset, putNamed, putRrset, reachable, recordsAt } from './records.js';

/** Which targets of an RRset get their addresses written. */
export const Targets = { ALL: 0, IN_DOMAIN: 1, OTHERS: 2 } as const;
export type Targets = (typeof Targets)[keyof typeof Targets];

/**
 * Writes the additional records of the RRset `ref` of the answer: the addresses of its targets; for services also the RRsets of
 * their aliases, and the additional records of those. `start` and `owner` as in putAddresses().
 */
export function putAdditional(x: Exchange, ref: number, start: number, owner: number): void {
  const info = x.words[x.base + ref + L.RRSET_INFO]!;
  if ((info & L.RRSET_ADDITIONAL) === 0) return;
  if ((info & L.RRSET_SERVICE) === 0) {
    putAddresses(x, ref, start, Targets.ALL, owner);
    return;
  }
  x.services[0] = ref;
  x.servicesAt[0] = start;
  x.serviceOwners[0] = owner;
  x.serviceCount = 1;
  x.serviceTargetCount = 0;
  for (let i = 0; i < x.serviceCount; i++) putServiceTargets(x, i);
}

/** Writes the targets of service RRset number `index`; the RRsets of its aliases join the services to go through. */
function putServiceTargets(x: Exchange, index: number): void {
  const { words, base } = x;
  const set = base + x.services[index]!;
  const owner = x.serviceOwners[index]!;
  const shortened = owner === 0 ? 1 : 0;
  let entry = base + words[set + L.RRSET_EXTRA]!;
  entry += words[entry]! + 1;
  const count = words[entry]!;
  for (let i = 0; i < count; i++) {
    const node = words[entry + 1 + i * 2]!;
    if (node === 0) continue;
    const target = words[entry + 2 + i * 2]!;
    const offset = target & L.OFFSET_MASK;
    const pointer = offset === 0 ? owner : x.servicesAt[index]! - x.start + offset - shortened * (i + 1);
    if ((target & L.TARGET_ALIAS) !== 0) putService(x, node, pointer);
    if (!isNewTarget(x, node)) continue;
    putAddress(x, node, Type.A, pointer);
    putAddress(x, node, Type.AAAA, pointer);
  }
}

/** Writes the service RRset at `node`, of the type of those before it, unless it is there already or there are too many. */
function putService(x: Exchange, node: number, pointer: number): void {
  const record = recordsAt(x, x.services[0]!);
  const ref = findRrset(x, node, (x.bytes[record + 2]! << 8) | x.bytes[record + 3]!);
  // Below a cut only addresses are sent, as glue.
  if (ref === 0 || isGlue(x, node) || !reachable(pointer) || x.serviceCount === MAX_SERVICES) return;
  for (let i = 0; i < x.serviceCount; i++) if (x.services[i] === ref) return;
  const start = x.at;
  const written = putRrset(x, ref, pointer, x.dnssecOk);
  if (written === 0) return;
  x.additionals += written;
  x.services[x.serviceCount] = ref;
  x.servicesAt[x.serviceCount] = start;
  x.serviceOwners[x.serviceCount++] = pointer;
}

/** Notes the node whose addresses are to be written; false: they are already, or no more nodes can be noted. */
function isNewTarget(x: Exchange, node: number): boolean {
  for (let i = 0; i < x.serviceTargetCount; i++) if (x.serviceTargets[i] === node) return false;
  if (x.serviceTargetCount === MAX_SERVICE_TARGETS) return false;
  x.serviceTargets[x.serviceTargetCount++] = node;
  return true;
}

/**
 * Writes the addresses of the targets of RRset `ref`. Its records were written at the octet `start` of the response, with
 * the message offset `owner` as their owner (0: the root, which is one octet shorter than the pointer that is stored). A
 * unit that does not fit is skipped. In-domain glue is not skipped: when a unit of it does not fit, the section ends and
 * false is returned.
 */
export function putAddresses(x: Exchange, ref: number, start: number, which: Targets, owner: number): boolean {
  const { words, base } = x;
  const set = base + ref;
  if ((words[set + L.RRSET_INFO]! & L.RRSET_ADDITIONAL) === 0) return true;
  const shortened = owner === 0 ? 1 : 0;
  let entry = base + words[set + L.RRSET_EXTRA]!;
  entry += words[entry]! + 1;
  const count = words[entry]!;
  for (let i = 0; i < count; i++) {
    const node = words[entry + 1 + i * 2]!;
    if (node === 0) continue;
    const offset = words[entry + 2 + i * 2]!;
    const below = (offset & L.TARGET_BELOW) !== 0 ? Targets.IN_DOMAIN : Targets.OTHERS;
    if (which !== Targets.ALL && which !== below) continue;
    const pointer = start - x.start + (offset & L.OFFSET_MASK) - shortened * (i + 1);
    const required = which === Targets.IN_DOMAIN;
    if (!putAddress(x, node, Type.A, pointer) && required) return false;
    if (!putAddress(x, node, Type.AAAA, pointer) && required) return false;
  }
  return true;
}

function putAddress(x: Exchange, node: number, type: number, pointer: number): boolean {
  const ref = findRrset(x, node, type);
  if (ref === 0) return true;
  const signed = isGlue(x, node) ? 0 : x.dnssecOk;
  const written = reachable(pointer)
    ? putRrset(x, ref, pointer, signed)
    : putNamed(x, ref, composeOwner(x, node), signed);
  x.additionals += written;
  return written > 0;
}

/** Whether the data of `node` belongs to a zone below. */
function isGlue(x: Exchange, node: number): boolean {
  return (x.words[x.base + node + L.NODE_INFO]! & (L.NODE_OCCLUDED | L.NODE_CUT)) !== 0;
}
