/**
 * Padding inside TLS (RFC 7830). A question is padded to a multiple of 128 octets, and the answer to a padded one to a multiple of 468 (RFC
 * 8467 §4.1). RFC 9103 §7.9.1 and §7.10.3 leave the policy for transfers open, and so each of their messages is padded as other answers
 * are.
 *
 * NOT here: messages without records, by which the size of a whole zone could be hidden. Our secondaries take them.
 */
import { OPT_FIXED, OPTION_FIXED, PADDING_BLOCK } from '../answer/edns.js';
import { EdnsOption } from '../protocol/iana.js';
import { writeU16 } from '../protocol/octets.js';
import { LARGEST } from './out/transfer-writer.js';

/** Octets of a full message that are kept free for padding. */
export const PADDING_RESERVE = OPTION_FIXED + (LARGEST % PADDING_BLOCK);

/** Padded questions are a multiple of this (RFC 8467 §4.1). */
export const QUESTION_BLOCK = 128;

/**
 * Pads the message out[start…end), whose last record is the OPT record of `optLength` octets. `signature`: octets that come behind it.
 * `most`: octets that the message may have. `block`: its length becomes a multiple of this, where `most` allows it. Returns its new end.
 */
export function padMessage(
  out: Uint8Array,
  start: number,
  end: number,
  optLength: number,
  signature: number,
  most: number,
  block: number,
): number {
  const data = end + OPTION_FIXED;
  const used = data - start + signature;
  const size = Math.min(Math.ceil(used / block) * block, most) - used;
  // A record that fills a message alone leaves no room.
  if (size < 0) return end;
  writeU16(out, end, EdnsOption.PADDING);
  writeU16(out, end + 2, size);
  out.fill(0, data, data + size);
  writeU16(out, end - optLength + OPT_FIXED - 2, optLength - OPT_FIXED + OPTION_FIXED + size);
  return data + size;
}
