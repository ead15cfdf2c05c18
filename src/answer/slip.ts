/** The truncated response that a rate limit sends in place of some limited ones (rate-limit.ts). Hot file: no allocation. */
import { EdnsOption, Rcode } from '../protocol/iana.js';
import { writeU16 } from '../protocol/octets.js';
import { HEADER } from './exchange.js';
import type { Outcome } from './facts.js';

const FLAG_AA = 0x04;
const FLAG_TC = 0x02;
/** Octets of an OPT record without options, and where their length stands in it. */
const OPT_FIXED = 11;
const OPT_LENGTH = 9;
/** Octets of a COOKIE option with a server cookie. */
const COOKIE_OPTION = 28;

/**
 * Reduces the response at `out[at]` to "ask over TCP": TC, no AA, NOERROR, the question, and an OPT record with its flags
 * and the cookie. Updates the outcome, and returns the length.
 */
export function withoutData(outcome: Outcome, out: Uint8Array, at: number): number {
  out[at + 2] = (out[at + 2]! & ~FLAG_AA) | FLAG_TC;
  out[at + 3] = Rcode.NOERROR;
  for (let i = 6; i < HEADER; i++) out[at + i] = 0;
  outcome.rcode = Rcode.NOERROR;
  outcome.truncated = 1;
  outcome.ede = -1;
  let to = at + HEADER;
  if (out[at + 5] === 1) {
    while (out[to] !== 0) to += out[to]! + 1;
    to += 5;
  }
  if (outcome.optAt === 0) return to - at;
  const opt = at + outcome.optAt;
  const kept = hasCookie(out, opt) ? COOKIE_OPTION : 0;
  for (let i = 0; i < OPT_FIXED + kept; i++) out[to + i] = out[opt + i]!;
  writeU16(out, to + OPT_LENGTH, kept);
  out[at + 11] = 1;
  outcome.optAt = to - at;
  return to - at + OPT_FIXED + kept;
}

/** Whether the OPT record at `opt` has our cookie, which is always its first option (edns.ts). */
function hasCookie(out: Uint8Array, opt: number): boolean {
  const length = (out[opt + OPT_LENGTH]! << 8) | out[opt + OPT_LENGTH + 1]!;
  const code = (out[opt + OPT_FIXED]! << 8) | out[opt + OPT_FIXED + 1]!;
  return length >= COOKIE_OPTION && code === EdnsOption.COOKIE;
}
