/** Reads a resolver's answer about a zone's DS records. */
import { AdotdError, ErrorCode } from '../../errors.js';
import { Class, Type } from '../../protocol/iana.js';
import { nameToText, sameName } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import { checkResolverAnswer } from '../resolver-message.js';
import { AnswerRecords } from './answer-records.js';
import { isAbove } from './ds-answer.js';

const NSCOUNT = 8;

/**
 * RDATA of the DS records; none: it says that there are none. A denial counts only with the SOA record of a zone above (RFC 2308 §2): a
 * resolver that forwards the question to the zone's own servers would deny records that exist. Throws ADOTD_TRANSFER.
 */
export function readResolvedDs(message: Uint8Array, id: number, apex: Uint8Array): readonly Uint8Array[] {
  const what = `DS records of ${nameToText(apex)}`;
  checkResolverAnswer(message, id, what);
  const records = new AnswerRecords();
  records.begin(message);
  const found: Uint8Array[] = [];
  while (records.next()) {
    if (records.type !== Type.DS || records.classNumber !== Class.IN || !sameName(records.owner, 0, apex, 0)) continue;
    found.push(message.slice(records.rdataAt, records.rdataAt + records.rdataLength));
  }
  if (found.length > 0) return found;
  records.left = readU16(message, NSCOUNT);
  let isDenied = false;
  while (records.next())
    isDenied ||= records.type === Type.SOA && records.classNumber === Class.IN && isAbove(records.owner, apex);
  if (isDenied) return [];
  const reason = 'found no DS record and no SOA record of a zone above, expected one of them';
  throw new AdotdError(ErrorCode.TRANSFER, `${what}: ${reason}`);
}
