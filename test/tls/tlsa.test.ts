import { createHash, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { compareTlsa, tlsaOwner, tlsaRecord } from '../../src/tls/tlsa.js';
import { type Made, make } from './support.js';

let leaf: Made;
let issuer: Made;
let chain: { cert: string };
beforeAll(async () => {
  issuer = await make({ names: ['issuer'], isIssuer: true });
  leaf = await make({ names: ['ns.test'], issuer });
  chain = { cert: leaf.cert + issuer.cert };
});

const raw = ({ cert }: Made): Buffer => new X509Certificate(cert).raw;
const spki = ({ cert }: Made): Buffer => new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
const hash = (name: string, data: Uint8Array): Buffer => createHash(name).update(data).digest();

/** RDATA of a record. */
const tlsa = (usage: number, selector: number, matching: number, data: Uint8Array): Uint8Array =>
  Uint8Array.of(usage, selector, matching, ...data);

describe('a TLSA record to paste', () => {
  it('stands at port 853 of the name server', () => {
    expect(tlsaOwner('ns.test.')).toBe('_853._tcp.ns.test.');
    expect(tlsaOwner('.')).toBe('_853._tcp.');
    expect(tlsaRecord('ns.test.', { tlsa: '3 1 1 AB' })).toBe('_853._tcp.ns.test. 3600 IN TLSA 3 1 1 AB');
    expect(tlsaRecord('ns.test.', { tlsa: '3 1 1 AB' }, 8853)).toBe('_8853._tcp.ns.test. 3600 IN TLSA 3 1 1 AB');
  });
});

describe('served TLSA records', () => {
  it('match by certificate or key, whole or hashed, of the server or of an issuer', () => {
    for (const [usage, of] of [
      [3, leaf],
      [1, leaf],
      [2, issuer],
      [0, issuer],
    ] as const) {
      for (const [selector, data] of [
        [0, raw(of)],
        [1, spki(of)],
      ] as const) {
        expect(compareTlsa([tlsa(usage, selector, 0, data)], chain)).toBe('match');
        expect(compareTlsa([tlsa(usage, selector, 1, hash('sha256', data))], chain)).toBe('match');
        expect(compareTlsa([tlsa(usage, selector, 2, hash('sha512', data))], chain)).toBe('match');
      }
    }
  });

  it('do not match for another key, another selector, or another place in the chain', () => {
    const right = hash('sha256', spki(leaf));
    expect(compareTlsa([tlsa(3, 1, 1, hash('sha256', spki(issuer)))], chain)).toBe('mismatch');
    expect(compareTlsa([tlsa(3, 0, 1, right)], chain)).toBe('mismatch');
    expect(compareTlsa([tlsa(3, 1, 2, right)], chain)).toBe('mismatch');
    expect(compareTlsa([tlsa(3, 1, 1, right.subarray(1))], chain)).toBe('mismatch');
    expect(compareTlsa([tlsa(2, 1, 1, right)], chain)).toBe('mismatch');
    expect(compareTlsa([tlsa(1, 1, 1, hash('sha256', spki(issuer)))], chain)).toBe('mismatch');
  });

  it('match when one of several does, as while keys change', () => {
    const right = tlsa(3, 1, 1, hash('sha256', spki(leaf)));
    const wrong = tlsa(3, 1, 1, new Uint8Array(32));
    expect(compareTlsa([wrong, right], chain)).toBe('match');
    expect(compareTlsa([wrong, wrong], chain)).toBe('mismatch');
    expect(compareTlsa([wrong, tlsa(255, 1, 1, new Uint8Array(32))], chain)).toBe('mismatch');
  });

  it('say nothing when they are of an unknown kind, or of a root that is not in the chain', () => {
    const data = new Uint8Array(32);
    for (const rdata of [tlsa(4, 1, 1, data), tlsa(3, 2, 1, data), tlsa(3, 1, 3, data), tlsa(255, 255, 255, data)]) {
      expect(compareTlsa([rdata], chain)).toBe('unusable');
    }
    expect(compareTlsa([tlsa(0, 1, 1, data)], chain)).toBe('unusable');
    for (const rdata of [[], [3], [3, 1, 1]]) expect(compareTlsa([Uint8Array.from(rdata)], chain)).toBe('unusable');
    expect(compareTlsa([], chain)).toBe('unusable');
  });
});
