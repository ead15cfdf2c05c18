/**
 * Types whose RDATA dns-packet decodes, once its length is known to be right. Types with names are not among them (dns-packet reads
 * names as UTF-8 and does not escape them), nor are types with text. A decoder of other authors keeps ours honest.
 */
import { type Answer, decode } from 'dns-packet';
import type { FieldText } from './fields.js';
import type { RdataReader } from './reader.js';

/** A message of one answer: header, the root as owner, type, class IN, TTL 0, RDATA. */
function decoded(type: number, rdata: Buffer): Answer | undefined {
  const message = Buffer.alloc(12 + 11 + rdata.length);
  message.writeUInt16BE(0x8000, 2);
  message.writeUInt16BE(1, 6);
  message.writeUInt16BE(type, 13);
  message.writeUInt16BE(1, 15);
  message.writeUInt16BE(rdata.length, 21);
  rdata.copy(message, 23);
  return decode(message).answers?.[0];
}

/** The rest, which must have at least (or, for A, exactly) `size` octets. */
function whole(r: RdataReader, size: number, exactly = false): Buffer {
  if (r.left < size || (exactly && r.left !== size))
    r.fail(`has ${r.left} octets, expected ${exactly ? '' : 'at least '}${size}`);
  return r.rest();
}

const upperHex = (octets: Buffer): string => octets.toString('hex').toUpperCase();

/** RFC 1035 §3.4.1. */
export const address: FieldText = (r) => {
  const answer = decoded(1, whole(r, 4, true));
  return answer?.type === 'A' ? answer.data : r.fail('is no A record to dns-packet');
};

/** DS and the types of its format: key tag, algorithm, digest type, digest (RFC 4034 §5.1). */
export const delegationSigner: FieldText = (r) => {
  const answer = decoded(43, whole(r, 5));
  if (answer?.type !== 'DS') return r.fail('is no DS record to dns-packet');
  const { keyTag, algorithm, digestType, digest } = answer.data;
  return `${keyTag} ${algorithm} ${digestType} ${upperHex(digest)}`;
};

/** TLSA and SMIMEA (RFC 6698 §2.1). */
export const certificateAssociation: FieldText = (r) => {
  const answer = decoded(52, whole(r, 4));
  if (answer?.type !== 'TLSA') return r.fail('is no TLSA record to dns-packet');
  const { usage, selector, matchingType, certificate } = answer.data;
  return `${usage} ${selector} ${matchingType} ${upperHex(certificate)}`;
};
