/**
 * TSIG of requests and their responses (RFC 8945 §5.2, §5.3). A request that has it costs a few objects; the others none.
 *
 * Not here: responses of several messages (protocol/tsig/tsig-stream.ts), and the rights of each key.
 */
import { Rcode } from '../protocol/iana.js';
import { readU16, writeU16 } from '../protocol/octets.js';
import { type RequestTsig, signatureLength, signMessage, TsigVerdict, verifyTsig } from '../protocol/tsig/tsig.js';
import { keyNamed, type TsigKey } from '../protocol/tsig/tsig-key.js';
import {
  readTsig,
  TsigError,
  type TsigRecord,
  tsigLength,
  writeTime,
  writeTsig,
} from '../protocol/tsig/tsig-record.js';
import type { Exchange } from './exchange.js';
import type { Facts } from './facts.js';

const ARCOUNT = 10;
/** Octets of the server's time in a response with BADTIME (RFC 8945 §5.2.3). */
const TIME = 6;
const NOTHING = new Uint8Array();

/**
 * Verifies the TSIG record at `x.tsigAt`, and keeps room for the response's record. Returns the RCODE of the response: NOTAUTH when the
 * record was not accepted, FORMERR when it is malformed, and the response then has none.
 */
export function checkTsig(x: Exchange, facts: Facts): number {
  const message = x.request.subarray(x.requestAt, x.requestEnd);
  const record = readTsig(message, x.tsigAt - x.requestAt);
  const key = record && keyNamed(x.keys, record.name);
  const verdict = record ? verifyTsig(key, record, message, Math.floor(facts.now)) : TsigVerdict.MALFORMED;
  if (record === undefined || verdict === TsigVerdict.MALFORMED) {
    x.tsigAt = 0;
    return Rcode.FORMERR;
  }
  x.tsig = { record, key, verdict };
  const other = verdict === TsigVerdict.BADTIME ? TIME : 0;
  const length = isSigned(x.tsig) ? signatureLength(x.tsig.key, other) : tsigLength(unsignedRecord(x.tsig));
  if (x.at + length <= x.end) {
    x.end -= length;
    x.limit -= length;
    x.tsigLength = length;
  } else {
    x.truncate();
  }
  return verdict === TsigVerdict.VALID ? Rcode.NOERROR : Rcode.NOTAUTH;
}

/** Whether the response has a MAC: not when there is no key, or the request's MAC was wrong (RFC 8945 §5.3.2). */
function isSigned(tsig: RequestTsig): tsig is RequestTsig & { readonly key: TsigKey } {
  return tsig.verdict !== TsigError.BADKEY && tsig.verdict !== TsigError.BADSIG;
}

/** Time signed and fudge are the request's: without a key there is nothing to protect. */
function unsignedRecord({ record, verdict }: RequestTsig): Omit<TsigRecord, 'at'> {
  return { ...record, mac: NOTHING, error: verdict, other: NOTHING };
}

/**
 * Writes the TSIG record behind the response, which is complete but for it. When long names leave no room for it, TC was set
 * instead, so that the client asks over TCP.
 */
export function putTsig(x: Exchange, facts: Facts): void {
  const { tsig, response: out, start } = x;
  if (tsig === undefined) return;
  x.end += x.tsigLength;
  if (x.tsigLength === 0) return;
  if (!isSigned(tsig)) {
    x.at = writeTsig(unsignedRecord(tsig), out, x.at);
    writeU16(out, start + ARCOUNT, readU16(out, start + ARCOUNT) + 1);
    return;
  }
  const { key, record, verdict } = tsig;
  const now = Math.floor(facts.now);
  const isBadTime = verdict === TsigError.BADTIME;
  const other = isBadTime ? new Uint8Array(TIME) : NOTHING;
  if (isBadTime) writeTime(other, 0, now);
  // With BADTIME the time is the client's, so that it can verify the response (RFC 8945 §5.2.3).
  const time = isBadTime ? record.time : now;
  x.at = signMessage(key, out, start, x.at, { time, prior: record.mac, error: verdict, other }).end;
}
