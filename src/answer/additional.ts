/**
 * The additional section: addresses of the targets of NS, MX, SRV, SVCB and HTTPS records in the same zone (RFC 1035
 * §3.3.9, RFC 2782, RFC 9460 §4.1) and glue (RFC 9471). Hot file: integers, no allocation.
 */
import * as L from '../image/layout.js';
import { Type } from '../protocol/iana.js';
import type { Exchange } from './exchange.js';
import { composeOwner, findRrset, putNamed, putRrset, reachable } from './records.js';

/** Which targets of an RRset get their addresses written. */
export const Targets = { ALL: 0, IN_DOMAIN: 1, OTHERS: 2 } as const;
export type Targets = (typeof Targets)[keyof typeof Targets];

/**
 * Writes the addresses of the targets of RRset `ref`. Its records were written at the octet `recordsAt` of the response,
 * each shorter by `shortened` octets than it is stored (the root as owner is shorter than a pointer). A unit that does not
 * fit is skipped. In-domain glue is not skipped: when a unit of it does not fit, the section ends and false is returned.
 */
export function putAddresses(x: Exchange, ref: number, recordsAt: number, which: Targets, shortened: number): boolean {
  const { words, base } = x;
  const set = base + ref;
  if ((words[set + L.RRSET_INFO]! & L.RRSET_ADDITIONAL) === 0) return true;
  let entry = base + words[set + L.RRSET_EXTRA]!;
  entry += words[entry]! + 1;
  const count = words[entry]!;
  for (let i = 0; i < count; i++) {
    const node = words[entry + 1 + i * 2]!;
    if (node === 0) continue;
    const offset = words[entry + 2 + i * 2]!;
    const below = (offset & L.TARGET_BELOW) !== 0 ? Targets.IN_DOMAIN : Targets.OTHERS;
    if (which !== Targets.ALL && which !== below) continue;
    const pointer = recordsAt - x.start + (offset & L.OFFSET_MASK) - shortened * (i + 1);
    const required = which === Targets.IN_DOMAIN;
    if (!putAddress(x, node, Type.A, pointer) && required) return false;
    if (!putAddress(x, node, Type.AAAA, pointer) && required) return false;
  }
  return true;
}

function putAddress(x: Exchange, node: number, type: number, pointer: number): boolean {
  const ref = findRrset(x, node, type);
  if (ref === 0) return true;
  const glue = (x.words[x.base + node + L.NODE_INFO]! & (L.NODE_OCCLUDED | L.NODE_CUT)) !== 0;
  const signed = glue ? 0 : x.dnssecOk;
  const written = reachable(pointer)
    ? putRrset(x, ref, pointer, signed)
    : putNamed(x, ref, composeOwner(x, node), signed);
  x.additionals += written;
  return written > 0;
}
