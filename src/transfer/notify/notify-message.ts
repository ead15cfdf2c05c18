/** NOTIFY messages (RFC 1996 §3): the request, and whether a message is its response. */
import { Class, Opcode, Rcode } from '../../protocol/iana.js';
import { nameLength, sameName } from '../../protocol/name.js';
import { readU16, writeU16 } from '../../protocol/octets.js';
import { signatureLength, signMessage, TsigVerdict, verifyTsig } from '../../protocol/tsig/tsig.js';
import type { TsigKey } from '../../protocol/tsig/tsig-key.js';
import { findTsig, readTsig } from '../../protocol/tsig/tsig-record.js';

const HEADER = 12;
const FLAG_QR = 0x80;
const FLAG_AA = 0x04;

/** A request as it was sent. */
export interface NotifyRequest {
  readonly octets: Uint8Array;
  readonly id: number;
  /** The zone's name in wire format. */
  readonly zone: Uint8Array;
  readonly key: TsigKey | undefined;
  /** The MAC that the response answers; empty without a key. */
  readonly mac: Uint8Array;
}

/** The kind of a message. */
export const NotifyVerdict = {
  /** The response; its RCODE comes with the verdict. */
  RESPONSE: 0,
  /** Another message, or a forged one: the wait goes on. */
  OTHER: 1,
} as const;
type NotifyVerdict = (typeof NotifyVerdict)[keyof typeof NotifyVerdict];

/** The subject of a request. */
interface NotifySubject {
  /** The zone's name in wire format. */
  readonly zone: Uint8Array;
  /** The RRset that has changed (RFC 1996 §3.7, RFC 9859 §4). */
  readonly type: number;
  /** The zone's SOA record in wire format with an uncompressed owner, a hint for the target (RFC 1996 §3.7), or empty. */
  readonly soa: Uint8Array;
}

/** A request. `now`: seconds since 1970. */
export function notifyRequest(
  id: number,
  { zone, type, soa }: NotifySubject,
  key: TsigKey | undefined,
  now: number,
): NotifyRequest {
  const length = HEADER + zone.length + 4 + soa.length;
  const out = new Uint8Array(length + (key === undefined ? 0 : signatureLength(key)));
  writeU16(out, 0, id);
  out[2] = (Opcode.NOTIFY << 3) | FLAG_AA;
  writeU16(out, 4, 1);
  writeU16(out, 6, soa.length === 0 ? 0 : 1);
  out.set(zone, HEADER);
  writeU16(out, HEADER + zone.length, type);
  writeU16(out, HEADER + zone.length + 2, Class.IN);
  out.set(soa, HEADER + zone.length + 4);
  if (key === undefined) return { octets: out, id, zone, key, mac: new Uint8Array(0) };
  const { end, mac } = signMessage(key, out, 0, length, { time: now });
  return { octets: out.subarray(0, end), id, zone, key, mac };
}

/**
 * Judges a message that came from the target. A response to a signed request has to be signed, unless it refuses the signature (RFC
 * 8945 §5.3.2): it cannot make anything worse than silence does.
 */
export function judgeNotifyResponse(
  { id, zone, key, mac }: NotifyRequest,
  message: Uint8Array,
  now: number,
): { readonly verdict: NotifyVerdict; readonly rcode: number } {
  const other = { verdict: NotifyVerdict.OTHER, rcode: 0 };
  if (message.length < HEADER || readU16(message, 0) !== id || (message[2]! & FLAG_QR) === 0) return other;
  if (((message[2]! >> 3) & 15) !== Opcode.NOTIFY) return notImplemented(message) ? refusal(message) : other;
  if (readU16(message, 4) === 1 && !isAbout(message, zone)) return other;
  const rcode = message[3]! & 15;
  if (key === undefined) return { verdict: NotifyVerdict.RESPONSE, rcode };
  const at = findTsig(message);
  const record = at > 0 ? readTsig(message, at) : undefined;
  if (record === undefined || record.mac.length === 0) return rcode === Rcode.NOERROR ? other : refusal(message);
  const valid = verifyTsig(key, record, message, now, mac) === TsigVerdict.VALID;
  return valid ? { verdict: NotifyVerdict.RESPONSE, rcode } : other;
}

/** A server that does not know the opcode may answer without it. */
function notImplemented(message: Uint8Array): boolean {
  const rcode = message[3]! & 15;
  return rcode === Rcode.NOTIMP || rcode === Rcode.FORMERR;
}

function refusal(message: Uint8Array): { readonly verdict: NotifyVerdict; readonly rcode: number } {
  return { verdict: NotifyVerdict.RESPONSE, rcode: message[3]! & 15 };
}

function isAbout(message: Uint8Array, zone: Uint8Array): boolean {
  let at = HEADER;
  while (at < message.length && message[at]! !== 0) {
    if (message[at]! > 63) return false;
    at += message[at]! + 1;
  }
  if (at >= message.length || at + 1 - HEADER !== nameLength(zone)) return false;
  return sameName(message, HEADER, zone, 0);
}
