/** The largest TTL of a zone's content by looking at all of its nodes: what the header of an image has to say. */
import { isSignersType } from '../../../src/dnssec/signing/signers-types.js';
import { ImageNodes } from '../../../src/image/changes/image-nodes.js';
import * as L from '../../../src/image/layout.js';
import { readU32 } from '../../../src/protocol/octets.js';

/**
 * Seconds: the largest TTL of an image's records, but for those of the signer. These are no larger, as signatures have the TTL of what
 * they sign, and denial has that of negative answers (RFC 9077); the keys have one of their own.
 */
export function largestTtl(octets: Uint8Array): number {
  const words = new Int32Array(octets.buffer, octets.byteOffset, octets.byteLength >> 2);
  let largest = 0;
  for (const nodes = new ImageNodes(words, octets, false); nodes.node !== 0; nodes.next()) {
    const { node } = nodes;
    let entry = node + L.NODE_LABEL + ((octets[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
    for (let i = words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT; i > 0; i--, entry += L.DIRECTORY_ENTRY) {
      if (isSignersType(words[entry]!, node === words[L.HEADER_APEX])) continue;
      // All records of an RRset have one TTL (RFC 2181 §5.2).
      const first = (words[entry + 1]! + L.RRSET_DATA) << 2;
      largest = Math.max(largest, readU32(octets, first + L.RECORD_TTL));
    }
  }
  return largest;
}
