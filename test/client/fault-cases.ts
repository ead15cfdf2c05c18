/** The effect of each fault of the fixture on our client. */
import { ClientErrorCode, type Verification } from '../../src/client/index.js';
import type { FaultName, FaultRule } from '../../src/fixture/faults/fault-rule.js';

const { TIMED_OUT, RESET, CLOSED, HANDSHAKE, CERTIFICATE, NO_UPGRADE, MALFORMED, MISMATCH } = ClientErrorCode;

/** None; `poor`: an answer with an error or with TC; or a failure with one of these codes. */
export type Effect = 'none' | 'poor' | readonly ClientErrorCode[];

export interface FaultCase {
  readonly rule: FaultRule;
  /** On an answer, a handshake or a connection of TLS, and by default inside STARTTLS. */
  readonly inside: Effect;
  readonly insideStarttls?: Effect;
  /** On the answer to the dummy query or its connection, over TCP. */
  readonly dummy: Effect;
  /** The effect is only that on a query that is alone. */
  readonly alone?: boolean;
  /** The credentials with which it has this effect. Default: a pin. */
  readonly verification?: Verification['kind'];
}

const lost = { inside: [TIMED_OUT], dummy: [TIMED_OUT] } as const;
const harmless = { inside: 'none', dummy: 'none' } as const;
/** On the handshake; the dummy query is before it. */
const shaken = (...codes: ClientErrorCode[]) => ({ inside: codes, dummy: 'none' }) as const;
/** On some systems, a reset right after other octets looks like a FIN. */
const ENDED = [RESET, CLOSED];
/** The connection ends after an answer with TO. */
const cutOff = [RESET, CLOSED, HANDSHAKE];

/** Cases by fault. The first of each is also tried on every transport by itself. */
export const FAULT_CASES: Readonly<Record<FaultName, readonly FaultCase[]>> = {
  delay: [
    { rule: { fault: 'delay', milliseconds: 20, jitter: 20 }, ...harmless },
    { rule: { fault: 'delay', milliseconds: 60_000 }, ...lost },
  ],
  drop: [
    { rule: { fault: 'drop' }, ...lost },
    { rule: { fault: 'drop', name: 'STARTTLS', type: 'TXT', class: 'CH' }, inside: 'none', dummy: [TIMED_OUT] },
    { rule: { fault: 'drop', upgrade: true }, inside: 'none', dummy: [TIMED_OUT] },
  ],
  // The fault leaves OPT and TO as they are: the upgrade goes on, whatever the RCODE.
  rcode: [
    { rule: { fault: 'rcode' }, inside: 'poor', dummy: 'none' },
    { rule: { fault: 'rcode', rcode: 'REFUSED' }, inside: 'poor', dummy: 'none' },
    { rule: { fault: 'rcode', rcode: 'FORMERR' }, inside: 'poor', dummy: 'none' },
    { rule: { fault: 'rcode', rcode: 15 }, inside: 'poor', dummy: 'none' },
  ],
  truncate: [{ rule: { fault: 'truncate' }, inside: 'poor', dummy: 'none' }],
  'wrong-id': [{ rule: { fault: 'wrong-id' }, inside: [MISMATCH], dummy: [MISMATCH] }],
  'wrong-question': [{ rule: { fault: 'wrong-question' }, inside: [MISMATCH], dummy: [MISMATCH] }],
  malformed: [
    { rule: { fault: 'malformed' }, inside: [MALFORMED], dummy: [MALFORMED] },
    { rule: { fault: 'malformed', how: 'counts' }, inside: [MALFORMED], dummy: [MALFORMED] },
    { rule: { fault: 'malformed', how: 'pointer-loop' }, inside: [MALFORMED], dummy: [MALFORMED] },
    { rule: { fault: 'malformed', how: 'noise' }, inside: [MALFORMED, MISMATCH], dummy: [MALFORMED, MISMATCH] },
  ],
  // A second answer to the dummy query is plaintext in place of a handshake.
  duplicate: [
    { rule: { fault: 'duplicate' }, inside: 'none', dummy: cutOff },
    { rule: { fault: 'duplicate', copies: 100 }, inside: 'none', dummy: cutOff },
  ],
  reorder: [
    { rule: { fault: 'reorder', milliseconds: 20 }, ...harmless },
    { rule: { fault: 'reorder', milliseconds: 60_000 }, ...lost, alone: true },
  ],
  reset: [
    { rule: { fault: 'reset' }, inside: ENDED, dummy: ENDED },
    { rule: { fault: 'reset', at: 'middle' }, inside: ENDED, dummy: ENDED },
    { rule: { fault: 'reset', at: 'after' }, inside: 'none', dummy: cutOff },
    { rule: { fault: 'reset', at: 'accept' }, inside: ENDED, insideStarttls: 'none', dummy: ENDED },
  ],
  close: [
    { rule: { fault: 'close' }, inside: ENDED, dummy: ENDED },
    { rule: { fault: 'close', at: 'answer' }, inside: ENDED, dummy: ENDED },
    { rule: { fault: 'close', at: 'after' }, inside: 'none', dummy: cutOff },
    { rule: { fault: 'close', at: 'accept' }, inside: ENDED, insideStarttls: 'none', dummy: ENDED },
  ],
  split: [
    { rule: { fault: 'split', milliseconds: 20 }, ...harmless },
    { rule: { fault: 'split', octets: 14, milliseconds: 20 }, ...harmless },
  ],
  stall: [
    { rule: { fault: 'stall' }, ...lost },
    { rule: { fault: 'stall', octets: 0 }, ...lost },
    { rule: { fault: 'stall', octets: 1 }, ...lost },
  ],
  // The client asks for no transfers.
  'transfer-slow': [{ rule: { fault: 'transfer-slow' }, ...harmless }],
  'transfer-wrong-soa': [{ rule: { fault: 'transfer-wrong-soa' }, ...harmless }],
  'transfer-out-of-zone': [{ rule: { fault: 'transfer-out-of-zone' }, ...harmless }],
  'transfer-endless': [{ rule: { fault: 'transfer-endless' }, ...harmless }],
  'transfer-bad-tsig': [{ rule: { fault: 'transfer-bad-tsig' }, ...harmless }],
  // Clients ask, they do not notify.
  'request-lost': [{ rule: { fault: 'request-lost' }, ...harmless }],
  'tls-stall': [{ rule: { fault: 'tls-stall' }, ...shaken(TIMED_OUT) }],
  'tls-reset': [{ rule: { fault: 'tls-reset' }, ...shaken(...ENDED) }],
  'tls-close': [{ rule: { fault: 'tls-close' }, ...shaken(...ENDED) }],
  'tls-alert': [
    { rule: { fault: 'tls-alert' }, ...shaken(HANDSHAKE) },
    { rule: { fault: 'tls-alert', alert: 80 }, ...shaken(HANDSHAKE) },
    { rule: { fault: 'tls-alert', alert: 70 }, ...shaken(HANDSHAKE) },
  ],
  'tls-certificate': [
    { rule: { fault: 'tls-certificate', certificate: 'wrong-key' }, ...shaken(CERTIFICATE) },
    { rule: { fault: 'tls-certificate', certificate: 'self-signed' }, ...shaken(CERTIFICATE) },
    { rule: { fault: 'tls-certificate', certificate: 'wrong-key' }, ...shaken(CERTIFICATE), verification: 'tlsa' },
    { rule: { fault: 'tls-certificate', certificate: 'wrong-key' }, ...harmless, verification: 'ca' },
    { rule: { fault: 'tls-certificate', certificate: 'self-signed' }, ...shaken(CERTIFICATE), verification: 'ca' },
    { rule: { fault: 'tls-certificate' }, ...shaken(CERTIFICATE), verification: 'ca' },
    { rule: { fault: 'tls-certificate', certificate: 'expired' }, ...shaken(CERTIFICATE), verification: 'ca' },
    { rule: { fault: 'tls-certificate', certificate: 'not-yet-valid' }, ...shaken(CERTIFICATE), verification: 'ca' },
    // The key is right, and pins are only about the key.
    { rule: { fault: 'tls-certificate', certificate: 'expired' }, ...harmless },
    { rule: { fault: 'tls-certificate', certificate: 'wrong-name' }, ...harmless, verification: 'tlsa' },
  ],
  'tls-version': [
    { rule: { fault: 'tls-version' }, ...shaken(HANDSHAKE) },
    { rule: { fault: 'tls-version', version: 'TLSv1' }, ...shaken(HANDSHAKE) },
    { rule: { fault: 'tls-version', version: 'TLSv1.2' }, ...harmless },
    { rule: { fault: 'tls-version', version: 'TLSv1.3' }, ...harmless },
  ],
  'tls-no-alpn': [{ rule: { fault: 'tls-no-alpn' }, ...harmless }],
  'tls-no-resumption': [{ rule: { fault: 'tls-no-resumption' }, ...harmless }],
  'tls-no-close-notify': [{ rule: { fault: 'tls-no-close-notify' }, ...harmless }],
  'starttls-strip': [{ rule: { fault: 'starttls-strip' }, inside: 'none', dummy: [NO_UPGRADE] }],
  'starttls-no-tls': [{ rule: { fault: 'starttls-no-tls' }, inside: 'none', dummy: [NO_UPGRADE] }],
  'starttls-inject': [
    { rule: { fault: 'starttls-inject' }, inside: 'none', dummy: cutOff },
    { rule: { fault: 'starttls-inject', answer: { name: 'quebec-0.example.test' } }, inside: 'none', dummy: cutOff },
    { rule: { fault: 'starttls-inject', answer: { id: 1, address: '192.0.2.77' } }, inside: 'none', dummy: cutOff },
  ],
};
