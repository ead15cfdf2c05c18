/** The octets of our questions. */
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { EdnsOption, Type } from '../../../src/protocol/iana.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { TsigVerdict, verifyTsig } from '../../../src/protocol/tsig/tsig.js';
import { findTsig, readTsig } from '../../../src/protocol/tsig/tsig-record.js';
import { configuredKeys } from '../../../src/server/plane/tsig-secrets.js';
import { writeQuestion } from '../../../src/transfer/in/transfer-question.js';
import { decodeMessage } from '../../support/message.js';

const NOW = 1_795_000_000;
const KEY = { name: 'key.test.', algorithm: 'hmac-sha256', secret: 'c2VjcmV0IG9mIHRoZSB0ZXN0cw==' };
const [key] = configuredKeys(configSchema.parse({ tsig: [KEY] }));
/** Names of all lengths that make a difference to a block of 128 octets. */
const NAMES = Array.from({ length: 120 }, (_, i) =>
  nameFromText(`${'a'.repeat(1 + (i >> 1))}.${'b'.repeat(1 + ((i + 1) >> 1))}.`),
);
const TYPES = [Type.SOA, Type.AXFR, Type.IXFR, Type.DS] as const;

const EXPIRE = [EdnsOption.EXPIRE];

function optionsOf(message: Uint8Array): number[] | undefined {
  return decodeMessage(message).edns?.options.map(({ code }) => code);
}

function question(
  apex: Uint8Array,
  type: (typeof TYPES)[number],
  manner: { edns?: boolean; isEncrypted?: boolean; isSigned?: boolean },
): ReturnType<typeof writeQuestion> {
  const { edns = true, isEncrypted = false, isSigned = false } = manner;
  const asked = { apex, id: 4711, type, serial: type === Type.IXFR ? 7 : undefined };
  return writeQuestion(asked, { key: isSigned ? key : undefined, now: NOW, edns, isEncrypted });
}

describe('the questions of a secondary', () => {
  it.each([false, true])(
    'are padded to 128 octets inside TLS, whatever they ask, signature and all: signed %s',
    (isSigned) => {
      for (const apex of NAMES)
        for (const type of TYPES) {
          const { message, mac } = question(apex, type, { isEncrypted: true, isSigned });
          expect(message.length % 128).toBe(0);
          expect(optionsOf(message)).toEqual([...(type === Type.DS ? [] : EXPIRE), EdnsOption.PADDING]);
          expect(mac === undefined).toBe(!isSigned);
          if (!isSigned || key === undefined) continue;
          const record = readTsig(message, findTsig(message));
          expect(record && verifyTsig(key, record, message, NOW)).toBe(TsigVerdict.VALID);
        }
    },
  );

  it('are not longer than they need to be', () => {
    const lengths = NAMES.map((apex) => {
      const shortest = question(apex, Type.SOA, {}).message.length;
      return question(apex, Type.SOA, { isEncrypted: true }).message.length - shortest;
    });
    expect(Math.min(...lengths)).toBe(4);
    expect(Math.max(...lengths)).toBe(4 + 127);
  });

  it('are not padded in cleartext (RFC 7830 §6), nor without EDNS', () => {
    const apex = nameFromText('example.');
    for (const type of TYPES) {
      const expected = type === Type.DS ? undefined : EXPIRE;
      expect(optionsOf(question(apex, type, {}).message)).toEqual(expected);
      expect(optionsOf(question(apex, type, { edns: false, isEncrypted: true }).message)).toBeUndefined();
    }
  });
});
