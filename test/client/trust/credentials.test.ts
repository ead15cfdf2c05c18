/** Certificates against credentials, without a network. */
import { createHash, X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';
import { objection } from '../../../src/client/trust/certificate.js';
import { matchesTlsa } from '../../../src/client/trust/tlsa.js';
import { make } from '../../tls/support.js';

describe('a certificate verified by authorities', () => {
  const ca = { kind: 'ca' } as const;

  it('is for its alternative names', async () => {
    const certificate = new X509Certificate((await make({ names: ['other.test', 'ns1.test'] })).cert);
    expect(objection(ca, certificate, undefined, 'ns1.test')).toBeUndefined();
    expect(objection(ca, certificate, undefined, 'ns2.test')).toContain('not for ns2.test');
  });

  it('is not for the common name of its subject (RFC 8310 §8.1)', async () => {
    const extensions = [{ name: 'basicConstraints' as const, cA: false }];
    const { cert } = await generate([{ name: 'commonName', value: 'ns1.test' }], { keyType: 'ec', extensions });
    const certificate = new X509Certificate(cert);
    expect([certificate.subject, certificate.subjectAltName]).toEqual(['CN=ns1.test', undefined]);
    expect(certificate.checkHost('ns1.test')).toBe('ns1.test');
    expect(objection(ca, certificate, undefined, 'ns1.test')).toBe('it is for no name, not for ns1.test');
  });
});

describe('a TLSA record', () => {
  it('of another usage than DANE-EE, or of an unknown selector or matching type, matches nothing (RFC 6698 §4.1)', async () => {
    const certificate = new X509Certificate((await make()).cert);
    const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
    const digest = createHash('sha256').update(key).digest('hex');
    expect(matchesTlsa([`3 1 1 ${digest}`], certificate)).toBe(true);
    for (const fields of ['0 1 1', '1 1 1', '2 1 1', '255 1 1', '3 2 1', '3 1 3', '3 1 2', '3 0 1']) {
      expect(matchesTlsa([`${fields} ${digest}`], certificate), fields).toBe(false);
    }
  });
});
