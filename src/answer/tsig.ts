/**
 * Refuses TSIG (RFC 8945 §5.2.1): no key is known, so a signed request gets NOTAUTH with error BADKEY and an empty MAC.
 *
 * Not here yet: keys, verification and signing (§5.2.2 to §5.4).
 */
import { Type } from '../protocol/iana.js';
import { LOWER, MAX_NAME, nameLength } from '../protocol/name.js';
import { writeU16 } from '../protocol/octets.js';
import type { Exchange } from './exchange.js';

const BADKEY = 17;
const CLASS_ANY = 255;
/** Type, class, TTL, RDLENGTH. */
const RECORD_FIXED = 10;
/** Time signed, fudge, MAC size; original ID, error, other length. */
const TIMES = 10;
const TAIL = 6;

function rdataAt(x: Exchange): number {
  let at = x.tsigAt;
  while (x.request[at] !== 0 && x.request[at]! < 0xc0) at += x.request[at]! + 1;
  return at + (x.request[at] === 0 ? 1 : 2) + RECORD_FIXED;
}

function algorithmLength(x: Exchange): number {
  return nameLength(x.request, rdataAt(x));
}

/** Writes the TSIG record with error BADKEY at `x.at`. When long names leave no room for it, TC is set instead. */
export function putTsigError(x: Exchange): void {
  const { request, response: out } = x;
  const rdata = rdataAt(x);
  const algorithm = algorithmLength(x);
  if (x.at + MAX_NAME + RECORD_FIXED + algorithm + TIMES + TAIL > x.end) {
    x.truncated = 1;
    x.outcome.truncated = 1;
    return;
  }
  let at = putKeyName(x);
  writeU16(out, at, Type.TSIG);
  writeU16(out, at + 2, CLASS_ANY);
  out.fill(0, at + 4, at + 8);
  writeU16(out, at + 8, algorithm + TIMES + TAIL);
  at += RECORD_FIXED;
  for (let i = 0; i < algorithm; i++) out[at + i] = request[rdata + i]!;
  at += algorithm;
  // Time signed and fudge are the request's: without a key there is nothing to protect.
  for (let i = 0; i < 8; i++) out[at + i] = request[rdata + algorithm + i]!;
  writeU16(out, at + 8, 0);
  out[at + 10] = request[x.requestAt]!;
  out[at + 11] = request[x.requestAt + 1]!;
  writeU16(out, at + 12, BADKEY);
  writeU16(out, at + 14, 0);
  x.at = at + TIMES + TAIL;
  x.additionals++;
}

/** Writes the key's name, without compression; a name whose pointers lead too far is written as the root. */
function putKeyName(x: Exchange): number {
  const { request, response: out, requestAt } = x;
  let from = x.tsigAt;
  let to = x.at;
  let reach = from;
  for (;;) {
    const length = request[from]!;
    if (length >= 0xc0) {
      const target = requestAt + (((length & 0x3f) << 8) | request[from + 1]!);
      if (target >= reach) break;
      from = reach = target;
      continue;
    }
    if (length > 63 || to + length + 1 - x.at > MAX_NAME || from + length + 1 > x.requestEnd) break;
    for (let i = 0; i <= length; i++) out[to + i] = LOWER[request[from + i]!]!;
    to += length + 1;
    if (length === 0) return to;
    from += length + 1;
  }
  out[x.at] = 0;
  return x.at + 1;
}
