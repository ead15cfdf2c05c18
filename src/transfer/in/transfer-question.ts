/**
 * The questions that we ask of other nameservers: for an SOA record, AXFR (RFC 5936 §2.1) and IXFR (RFC 1995 §3) of the primaries of a
 * zone, for its DS records of the servers of its parent.
 */
import { Class, EdnsOption, Type } from '../../protocol/iana.js';
import { writeU16, writeU32 } from '../../protocol/octets.js';
import { signatureLength, signMessage } from '../../protocol/tsig/tsig.js';
import type { TsigKey } from '../../protocol/tsig/tsig-key.js';
import { HEADER } from './answer-records.js';

/** What is asked. */
export interface TransferQuestion {
  /** Name of the zone in wire format. */
  readonly apex: Uint8Array;
  readonly id: number;
  readonly type: typeof Type.SOA | typeof Type.AXFR | typeof Type.IXFR | typeof Type.DS;
  /** IXFR: the serial of the version that is there. */
  readonly serial?: number | undefined;
}

/** Type, class, TTL, RDLENGTH. */
const FIXED = 10;
/** SOA RDATA with root names, which IXFR needs for its serial only (RFC 1995 §3). */
const SOA_RDATA = 22;
/** An OPT record with an empty EXPIRE option (RFC 7314 §2). */
const OPT = 1 + FIXED + 4;
/** What we can take over UDP; on streams it means nothing, but has to be 512 at least (RFC 6891 §6.2.3). */
const PAYLOAD = 1232;
/** A pointer to the name in the question. */
const QNAME_POINTER = 0xc00c;

/** The message, and its MAC when it is signed. */
interface WrittenQuestion {
  readonly message: Uint8Array;
  readonly mac: Uint8Array | undefined;
}

/** Writes a question. `key`: signs it at `now`, seconds since 1970. `edns`: asks primaries for the EXPIRE option. */
export function writeQuestion(
  { apex, id, type, serial }: TransferQuestion,
  key: TsigKey | undefined,
  now: number,
  edns: boolean,
): WrittenQuestion {
  const isIxfr = type === Type.IXFR;
  const opt = edns && type !== Type.DS;
  const length = HEADER + apex.length + 4 + (isIxfr ? 2 + FIXED + SOA_RDATA : 0) + (opt ? OPT : 0);
  const message = new Uint8Array(length + (key === undefined ? 0 : signatureLength(key)));
  writeU16(message, 0, id);
  writeU16(message, 4, 1);
  writeU16(message, 8, isIxfr ? 1 : 0);
  writeU16(message, 10, opt ? 1 : 0);
  message.set(apex, HEADER);
  let at = HEADER + apex.length;
  writeU16(message, at, type);
  writeU16(message, at + 2, Class.IN);
  at += 4;
  if (isIxfr) {
    writeU16(message, at, QNAME_POINTER);
    writeU16(message, at + 2, Type.SOA);
    writeU16(message, at + 4, Class.IN);
    writeU16(message, at + 10, SOA_RDATA);
    writeU32(message, at + 14, serial ?? 0);
    at += 2 + FIXED + SOA_RDATA;
  }
  if (opt) {
    writeU16(message, at + 1, Type.OPT);
    writeU16(message, at + 3, PAYLOAD);
    writeU16(message, at + 9, 4);
    writeU16(message, at + 11, EdnsOption.EXPIRE);
  }
  if (key === undefined) return { message, mac: undefined };
  const { mac } = signMessage(key, message, 0, length, { time: now });
  return { message, mac };
}
