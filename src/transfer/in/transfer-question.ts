/**
 * The questions that we ask of other nameservers: for an SOA record, AXFR (RFC 5936 §2.1) and IXFR (RFC 1995 §3) of the primaries of a
 * zone, for its DS records of the servers of its parent, and for its keys of other signers. Inside TLS they are padded (RFC 7830 §3, RFC 9103
 * §7.9.1).
 */
import { OPT_FIXED, OPTION_FIXED } from '../../answer/edns.js';
import { Class, EdnsOption, Type } from '../../protocol/iana.js';
import { writeU16, writeU32 } from '../../protocol/octets.js';
import { signatureLength, signMessage } from '../../protocol/tsig/tsig.js';
import type { TsigKey } from '../../protocol/tsig/tsig-key.js';
import { padMessage, QUESTION_BLOCK } from '../padded-message.js';
import { HEADER } from './answer-records.js';

/** Asked of primaries. */
const TRANSFER_TYPES = [Type.SOA, Type.AXFR, Type.IXFR] as const;
/** Asked of others. */
type RrsetType = typeof Type.DS | typeof Type.DNSKEY | typeof Type.CDS | typeof Type.CDNSKEY;

/** The content of a question. */
export interface TransferQuestion {
  /** Name of the zone in wire format. */
  readonly apex: Uint8Array;
  readonly id: number;
  readonly type: (typeof TRANSFER_TYPES)[number] | RrsetType;
  /** IXFR: the serial of the version that is there. */
  readonly serial?: number | undefined;
}

/** Type, class, TTL, RDLENGTH. */
const FIXED = 10;
/** SOA RDATA with root names, which IXFR needs for its serial only (RFC 1995 §3). */
const SOA_RDATA = 22;
/** An empty EXPIRE option (RFC 7314 §2). */
const EXPIRE = 4;
/** Octets that we can take over UDP; on streams the number means nothing, but has to be 512 at least (RFC 6891 §6.2.3). */
const PAYLOAD = 1232;
/** A pointer to the name in the question. */
const QNAME_POINTER = 0xc00c;

/** The message, and its MAC when it is signed. */
interface WrittenQuestion {
  readonly message: Uint8Array;
  readonly mac: Uint8Array | undefined;
}

/** The properties of a question besides its content. */
interface QuestionManner {
  /** Signs it. */
  readonly key: TsigKey | undefined;
  /** Seconds since 1970. */
  readonly now: number;
  /** Whether it may have an OPT record; that of a zone's primary asks for the EXPIRE option. */
  readonly edns: boolean;
  /** Whether it goes inside TLS. */
  readonly isEncrypted: boolean;
}

/** Writes a question. */
export function writeQuestion(
  { apex, id, type, serial }: TransferQuestion,
  { key, now, edns, isEncrypted }: QuestionManner,
): WrittenQuestion {
  const isIxfr = type === Type.IXFR;
  const asksExpire = edns && TRANSFER_TYPES.some((one) => one === type);
  const isPadded = edns && isEncrypted;
  const opt = asksExpire || isPadded ? OPT_FIXED + (asksExpire ? EXPIRE : 0) : 0;
  const signature = key === undefined ? 0 : signatureLength(key);
  const length = HEADER + apex.length + 4 + (isIxfr ? 2 + FIXED + SOA_RDATA : 0) + opt;
  const most = length + signature + (isPadded ? OPTION_FIXED + QUESTION_BLOCK : 0);
  const message = new Uint8Array(most);
  writeU16(message, 0, id);
  writeU16(message, 4, 1);
  writeU16(message, 8, isIxfr ? 1 : 0);
  writeU16(message, 10, opt === 0 ? 0 : 1);
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
  if (opt > 0) {
    writeU16(message, at + 1, Type.OPT);
    writeU16(message, at + 3, PAYLOAD);
    if (asksExpire) {
      writeU16(message, at + 9, EXPIRE);
      writeU16(message, at + 11, EdnsOption.EXPIRE);
    }
  }
  const unsigned = isPadded ? padMessage(message, 0, length, opt, signature, most, QUESTION_BLOCK) : length;
  if (key === undefined) return { message: message.subarray(0, unsigned), mac: undefined };
  const { end, mac } = signMessage(key, message, 0, unsigned, { time: now });
  return { message: message.subarray(0, end), mac };
}
