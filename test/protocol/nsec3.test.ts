import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nameFromText } from '../../src/protocol/name.js';
import { nsec3Hash } from '../../src/protocol/nsec3.js';

const DIGITS = '0123456789abcdefghijklmnopqrstuv';

function base32hex(octets: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    bits = ((bits << 8) | octet) & 0xffff;
    for (held += 8; held >= 5; held -= 5) text += DIGITS[(bits >> (held - 5)) & 31];
  }
  return text;
}

function hash(name: Uint8Array, salt: Uint8Array, iterations: number): Uint8Array {
  const out = new Uint8Array(24);
  nsec3Hash(name, 0, name.length, salt, 0, salt.length, iterations, out, 3);
  expect([out[0], out[1], out[2], out[23]]).toEqual([0, 0, 0, 0]);
  return out.slice(3, 23);
}

describe('nsec3Hash', () => {
  // RFC 5155 appendix A: the names of its example zone with salt aabbccdd and 12 iterations.
  test.each([
    ['example.', '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom'],
    ['a.example.', '35mthgpgcu1qg68fab165klnsnk3dpvl'],
    ['ai.example.', 'gjeqe526plbf1g8mklp59enfd789njgi'],
    ['ns1.example.', '2t7b4g4vsa5smi47k61mv5bv1a22bojr'],
    ['ns2.example.', 'q04jkcevqvmu85r014c7dkba38o0ji5r'],
    ['w.example.', 'k8udemvp1j2f7eg6jebps17vp3n8i58h'],
    ['*.w.example.', 'r53bq7cc2uvmubfu5ocmm6pers9tk9en'],
    ['x.w.example.', 'b4um86eghhds6nea196smvmlo4ors995'],
    ['y.w.example.', 'ji6neoaepv8b5o6k4ev33abha8ht9fgc'],
    ['x.y.w.example.', '2vptu5timamqttgl4luu9kg21e0aor3s'],
    ['xx.example.', 't644ebqk9bibcna874givr6joj62mlhv'],
  ])('hashes %s as RFC 5155 appendix A does', (name, expected) => {
    expect(base32hex(hash(nameFromText(name), Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd), 12))).toBe(expected);
  });

  test('agrees with node:crypto for names and salts of every length', () => {
    for (let length = 1; length <= 255; length++) {
      const name = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff);
      const salt = Uint8Array.from({ length: 255 - ((length * 3) % 256) }, (_, i) => (i * 11 + length) & 0xff);
      const iterations = length % 4;
      let expected = createHash('sha1').update(name).update(salt).digest();
      for (let i = 0; i < iterations; i++) expected = createHash('sha1').update(expected).update(salt).digest();
      expect(Buffer.from(hash(name, salt, iterations)).equals(expected)).toBe(true);
    }
  });

  test('agrees with node:crypto around the end of a single block', () => {
    for (let saltLength = 30; saltLength <= 40; saltLength++) {
      const salt = new Uint8Array(saltLength).fill(saltLength);
      let expected = createHash('sha1').update(Uint8Array.of(0)).update(salt).digest();
      for (let i = 0; i < 3; i++) expected = createHash('sha1').update(expected).update(salt).digest();
      expect(Buffer.from(hash(Uint8Array.of(0), salt, 3)).equals(expected)).toBe(true);
    }
  });
});
