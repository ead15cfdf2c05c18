import { afterEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { Type } from '../../../src/protocol/iana.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { configuredKeys } from '../../../src/server/plane/tsig-secrets.js';
import { Primary } from '../../../src/server/secondaries/primary.js';
import { systemClock } from '../../../src/session/clock.js';
import { standInCertificate } from '../../../src/tls/self-signed.js';
import { endAll, LIMITS } from './service-host.js';
import { TestPrimary } from './test-primary.js';

const KEY = { name: 'key.test.', algorithm: 'hmac-sha256', secret: 'c2VjcmV0IG9mIHRoZSB0ZXN0cw==' };
const [key] = configuredKeys(configSchema.parse({ tsig: [KEY] }));
const TLS = { pins: [], ca: undefined, name: 'ns.test', certificate: undefined, isAlpnOptional: false };
const QUESTIONS = [Type.SOA, Type.AXFR, Type.IXFR, Type.DS] as const;
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await endAll();
});

/** The lengths of all questions as a primary gets them. */
async function lengths(isEncrypted: boolean, isSigned: boolean): Promise<number[]> {
  const {
    cert,
    key: certificateKey,
    pin,
  } = await standInCertificate({ folder: '', names: ['ns.test'], addresses: [] });
  const server = new TestPrimary(isEncrypted ? { cert, key: certificateKey } : undefined);
  await server.listen();
  const tls = isEncrypted ? { ...TLS, pins: [pin] } : undefined;
  const shape = { name: 'one', addresses: ['127.0.0.1'], port: server.port, sources: [], tls };
  const settings = { ...shape, key: isSigned ? key : undefined };
  const primary = new Primary(settings, LIMITS, { clock: systemClock, resolve: async () => [], elapsed: () => 0 });
  ends.push(
    () => primary.close(),
    () => server.close(),
  );
  for (const type of QUESTIONS)
    await primary.ask({ apex: nameFromText('example.'), type, serial: 1 }, false, () => ({ take: () => true }));
  return server.asked.map(({ message }) => message.length);
}

describe('the questions of a secondary', () => {
  it.each([false, true])('are padded to 128 octets inside TLS only (RFC 8467 §4.1): signed %s', async (isSigned) => {
    const [inTls, inClear] = [await lengths(true, isSigned), await lengths(false, isSigned)];
    for (const [i, length] of inTls.entries()) {
      expect(length % 128).toBe(0);
      expect(length).toBeGreaterThan(inClear[i]!);
      expect(inClear[i]! % 128).not.toBe(0);
    }
  });
});
