/** TSIG of an exchange whose answer has several messages on one connection (RFC 8945 §5.3.1): both sides. */

import { type Signing, signMessage, TsigVerdict, verifyTsig } from './tsig.js';
import type { TsigKey } from './tsig-key.js';
import { findTsig, readTsig } from './tsig-record.js';

/** Unsigned messages that may stand between two signed ones (RFC 8945 §5.3.1). */
const MAX_UNSIGNED = 99;

/** Signs each message of an answer, one after the other. */
export class StreamSigner {
  readonly #key: TsigKey;
  #prior: Uint8Array;
  #isFirst = true;

  /** `requestMac`: the MAC of the request, as it was sent. */
  constructor(key: TsigKey, requestMac: Uint8Array) {
    this.#key = key;
    this.#prior = requestMac;
  }

  /** Signs the message out[at … end), and returns where it ends then. `time`: seconds since 1970. */
  sign(out: Uint8Array, at: number, end: number, time: number): number {
    const signing: Signing = { time, prior: this.#prior, timersOnly: !this.#isFirst };
    const signed = signMessage(this.#key, out, at, end, signing);
    this.#prior = signed.mac;
    this.#isFirst = false;
    return signed.end;
  }
}

/** Verifies the messages of an answer to a signed request. */
export class StreamVerifier {
  readonly #key: TsigKey;
  #prior: Uint8Array;
  #isFirst = true;
  #unsigned: Uint8Array[] = [];

  /** `requestMac`: the MAC of the request, as it was sent. */
  constructor(key: TsigKey, requestMac: Uint8Array) {
    this.#key = key;
    this.#prior = requestMac;
  }

  /**
   * Whether the messages so far end with a signed one: the last message of an answer has to be signed, since messages behind
   * the last signature may come from anybody.
   */
  get isSigned(): boolean {
    return !this.#isFirst && this.#unsigned.length === 0;
  }

  /**
   * Judges the next message. The first one has to be signed, and no more than 99 in a row may be unsigned: else BADSIG.
   * MALFORMED: it has a TSIG record that cannot be read, or not at its end. `now`: seconds since 1970.
   */
  verify(message: Uint8Array, now: number): TsigVerdict {
    const at = findTsig(message);
    if (at < 0) return TsigVerdict.MALFORMED;
    if (at === 0) {
      if (this.#isFirst || this.#unsigned.length === MAX_UNSIGNED) return TsigVerdict.BADSIG;
      this.#unsigned.push(Uint8Array.from(message));
      return TsigVerdict.VALID;
    }
    const record = readTsig(message, at);
    if (record === undefined) return TsigVerdict.MALFORMED;
    const key = Buffer.compare(record.name, this.#key.name) === 0 ? this.#key : undefined;
    const stream = { between: this.#unsigned, timersOnly: !this.#isFirst };
    const verdict = verifyTsig(key, record, message, now, this.#prior, stream);
    if (verdict !== TsigVerdict.VALID) return verdict;
    // An error of the server that it could sign, such as BADTIME.
    if (record.error !== 0) return errorVerdict(record.error);
    this.#prior = record.mac;
    this.#isFirst = false;
    this.#unsigned = [];
    return TsigVerdict.VALID;
  }
}

function errorVerdict(error: number): TsigVerdict {
  return Object.values(TsigVerdict).find((verdict) => verdict === error) ?? TsigVerdict.MALFORMED;
}
