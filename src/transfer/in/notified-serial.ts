import { AdotdError } from '../../errors.js';
import { Class, Type } from '../../protocol/iana.js';
import { sameName } from '../../protocol/name.js';
import { readRdata } from '../../protocol/rdata/wire.js';
import { AnswerRecords } from './answer-records.js';
import { soaTimes } from './soa-answer.js';

/**
 * The serial of the SOA record in a NOTIFY request for the zone `apex` (RFC 1996 §3.7); undefined: it has none that can be read. It
 * is a hint only, so that nothing in it is a reason to refuse the request.
 */
export function notifiedSerial(request: Uint8Array, apex: Uint8Array): number | undefined {
  try {
    const records = new AnswerRecords();
    records.begin(request);
    while (records.next()) {
      if (records.type !== Type.SOA || records.classNumber !== Class.IN || !sameName(records.owner, 0, apex, 0))
        continue;
      const rdata = readRdata(Type.SOA, request, records.rdataAt, records.rdataLength);
      return soaTimes(rdata, rdata.length).serial;
    }
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
  }
  return undefined;
}
