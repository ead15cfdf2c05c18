/**
 * TLSA records as credentials (RFC 6698, RFC 7671). The caller gives them, and must have got them in a trustworthy way.
 *
 * Not here: to look records up, and to validate them by DNSSEC. Usages 0 to 2 (PKIX-TA, PKIX-EE, DANE-TA) need a chain of
 * certificates: such records are not usable (RFC 6698 §4.1) and are skipped.
 */

import { createHash, type X509Certificate } from 'node:crypto';
import { counted } from '../../errors.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import { publicKeyOf } from './public-key.js';

const DANE_EE = 3;
/** 0: the whole certificate, 1: its SubjectPublicKeyInfo (RFC 6698 §2.1.2). */
type Selector = 0 | 1;
/** 0: the octets themselves, 1: their SHA-256, 2: their SHA-512 (RFC 6698 §2.1.3). */
type MatchingType = 0 | 1 | 2;

interface Tlsa {
  readonly selector: Selector;
  readonly matching: MatchingType;
  readonly association: Buffer;
}

/** The record in presentation format, "3 1 1 8cb0…"; undefined if it is not usable. Throws CLIENT_INPUT. */
function parse(text: string): Tlsa | undefined {
  const [, usage, selector, matching, hex = ''] = /^\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s+(.*)$/s.exec(text) ?? [];
  const digits = hex.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits)) {
    const message = `found ${JSON.stringify(text)}, expected the RDATA of a TLSA record: three numbers and octets in hex`;
    throw new ClientError(ClientErrorCode.INPUT, message);
  }
  return usable(Number(usage), Number(selector), Number(matching), Buffer.from(digits, 'hex'));
}

function usable(usage: number, selector: number, matching: number, association: Buffer): Tlsa | undefined {
  if (usage !== DANE_EE || (selector !== 0 && selector !== 1)) return undefined;
  if (matching !== 0 && matching !== 1 && matching !== 2) return undefined;
  const length = [association.length, 32, 64][matching];
  return association.length === length ? { selector, matching, association } : undefined;
}

/** Throws CLIENT_INPUT when none of the records is usable, or one is no TLSA record. */
export function checkTlsa(records: readonly string[]): void {
  if (records.map(parse).some((record) => record !== undefined)) return;
  const message = `found ${counted(records.length, 'TLSA record')}, none that can be used; expected one of usage 3 (DANE-EE), selector 0 or 1`;
  throw new ClientError(ClientErrorCode.INPUT, message);
}

/** Whether one of the records is about this certificate. Its names and dates do not count (RFC 7671 §5.1). */
export function matchesTlsa(records: readonly string[], certificate: X509Certificate): boolean {
  return records.some((text) => {
    const record = parse(text);
    if (record === undefined) return false;
    const { selector, matching, association } = record;
    const whole = selector === 0 ? certificate.raw : publicKeyOf(certificate);
    if (whole === undefined) return false;
    const digests = [whole, createHash('sha256').update(whole).digest(), createHash('sha512').update(whole).digest()];
    return digests[matching]?.equals(association) ?? false;
  });
}
