import { describe, expect, it } from 'vitest';
import { bindKeyStem, readBindKey, toBindPrivate, toBindPublic } from '../../../src/dnssec/keys/bind-key.js';
import { DELETE_CDNSKEY, DELETE_CDS, dsRdata } from '../../../src/dnssec/keys/delegation-signer.js';
import { readKnotKeys } from '../../../src/dnssec/keys/knot-keys.js';
import { generateKey, generateKeyAside, keyFromPem, keyToPem } from '../../../src/dnssec/keys/signing-key.js';
import { bitsOf } from '../../../src/dnssec/keys.js';
import { Type } from '../../../src/protocol/iana.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { rdataToText } from '../../../src/protocol/rdata/print.js';

const ZONE = nameFromText('example.test.');
const KEY = generateKey(13, true);
const OTHER = generateKey(13, true, [KEY.tag]);
const publicFile = { file: 'K.key', text: toBindPublic(ZONE, KEY, 60) };
const privateFile = (text: string) => ({ file: 'K.private', text });

describe('a key in the form of BIND', () => {
  it('is the same when it is read again', () => {
    const { zone, key } = readBindKey(privateFile(toBindPrivate(KEY)), publicFile);
    expect([zone, key.dnskey, key.tag]).toEqual([ZONE, KEY.dnskey, KEY.tag]);
    expect(bindKeyStem(zone, key)).toMatch(/^Kexample\.test\.\+013\+\d{5}$/);
  });

  it('is read although zero octets at its beginning are missing', () => {
    // An Ed25519 key in place of a curve's has no such form; so keys are made until one begins with zero.
    for (;;) {
      const key = generateKey(13, true);
      const secret = Buffer.from(key.privateKey.export({ format: 'jwk' }).d!, 'base64url');
      if (secret[0] !== 0) continue;
      const short = toBindPrivate(key).replace(
        /PrivateKey: .*/,
        `PrivateKey: ${secret.subarray(1).toString('base64')}`,
      );
      const file = { file: 'K.key', text: toBindPublic(ZONE, key, 60) };
      expect(readBindKey(privateFile(short), file).key.dnskey).toEqual(key.dnskey);
      break;
    }
  });

  it.each([
    ['nothing', '', /^K\.private: found no line Private-key-format, expected "Private-key-format: v1\.3"$/],
    [
      'another key',
      toBindPrivate(OTHER),
      /^K\.private: found another key than in K\.key, expected both files of one key$/,
    ],
    [
      'hardware',
      'Private-key-format: v1.3\nAlgorithm: 13 (X)\nLabel: cDE=\n',
      /^K\.private: found a key that is in hardware \(Label\), expected the private key itself$/,
    ],
    ['an old algorithm', 'Private-key-format: v1.3\nAlgorithm: 3 (DSA)\n', /^K\.private: .*expected/],
    [
      'no private key',
      'Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\nPrivateKey: AAAA\n',
      /^K\.private: expected a private key of BIND$/,
    ],
  ])('is refused when the file has %s', (_, text, message) => {
    expect(() => readBindKey(privateFile(text), publicFile)).toThrow(message);
  });

  it('is refused without a DNSKEY record', () => {
    expect(() => readBindKey(privateFile(toBindPrivate(KEY)), { file: 'K.key', text: '; nothing\n' })).toThrow(
      'K.key: found no DNSKEY record, expected one',
    );
  });
});

describe('a key in PEM', () => {
  it('is refused when it is one of another algorithm', () => {
    expect(() => keyFromPem(keyToPem(KEY), 15, true, 'key.pem')).toThrow(
      'key.pem: found a private key of type ec, expected one for algorithm 15 (ED25519)',
    );
  });

  it('is refused when it is no key', () => {
    expect(() => keyFromPem('x', 13, true, 'key.pem')).toThrow('key.pem: expected a private key in PEM (PKCS#8)');
  });

  it('of a curve is not taken for another curve', () => {
    expect(() => keyFromPem(keyToPem(KEY), 14, true, 'key.pem')).toThrow(/expected one for algorithm 14/);
  });
});

describe('a list of Knot', () => {
  const entry = {
    zone: 'example.test.',
    id: 'ab',
    ksk: true,
    zsk: true,
    algorithm: 13,
    tag: KEY.tag,
    'public-only': false,
  };
  const read = (...list: object[]) => readKnotKeys(JSON.stringify(list), () => keyToPem(KEY), 'list');

  it('has the keys of its PEM files, and the times that are set', () => {
    const [named] = read({ ...entry, publish: 5, retire: 0, size: 256 });
    expect([named?.zone, named?.key.dnskey, named?.times]).toEqual([ZONE, KEY.dnskey, { publish: 5 }]);
  });

  it('leaves out keys that have no private part', () => expect(read({ ...entry, 'public-only': true })).toEqual([]));

  it('is refused when it names another key', () =>
    expect(() => read({ ...entry, tag: 1 })).toThrow(
      /^list: found tag 1 for the key ab, expected \d+, that of ab\.pem$/,
    ));

  it('is refused when it is none', () =>
    expect(() => readKnotKeys('ab 12345 CSK', () => '', 'list')).toThrow(
      'list: expected the output of "keymgr -j ZONE list"',
    ));
});

describe('a new key', () => {
  it('has a tag that is not taken', async () => {
    const taken = Array.from({ length: 65_536 }, (_, tag) => tag).filter((tag) => tag % 16 !== 0);
    expect(generateKey(15, false, taken).tag % 16).toBe(0);
    expect((await generateKeyAside(15, false, taken)).tag % 16).toBe(0);
  });

  it.each([1024, 1279, 1280])('of RSA has the %d bits that were asked for', async (bits) => {
    expect(bitsOf(generateKey(8, false, [], bits).dnskey)).toBe(bits);
    expect(bitsOf((await generateKeyAside(8, false, [], bits)).dnskey)).toBe(bits);
    expect(bitsOf(KEY.dnskey)).toBeUndefined();
  });

  it('is not made of an algorithm that is for verifying only', async () => {
    const text = 'found a key of algorithm 5 (RSASHA1), expected one of algorithm 8, 13, 14, 15 or 16';
    expect(() => generateKey(5, true)).toThrow(text);
    await expect(generateKeyAside(5, true)).rejects.toThrow(text);
  });

  it.each([8, 13, 14, 15, 16])('of algorithm %d is made while the event loop turns', async (algorithm) => {
    let isMade = false;
    const making = generateKeyAside(algorithm, true).then((key) => {
      isMade = true;
      return key;
    });
    // The loop does not turn while there are jobs of promises: a key that was made meanwhile would have stopped it.
    for (let i = 0; i < 100; i++) await Promise.resolve();
    expect(isMade).toBe(false);
    const key = await making;
    expect(keyFromPem(keyToPem(key), algorithm, true, 'file').dnskey).toEqual(key.dnskey);
  });
});

describe('what the parent is told', () => {
  it('is known from the example of RFC 4034 §5.4 and RFC 4509 §2.3', () => {
    const publicKey =
      'AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==';
    const dnskey = Uint8Array.of(1, 0, 3, 5, ...Buffer.from(publicKey, 'base64'));
    const zone = nameFromText('dskey.example.com.');
    expect(rdataToText(Type.DS, dsRdata(dnskey, zone, 1)).toUpperCase()).toBe(
      '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118',
    );
    expect(rdataToText(Type.DS, dsRdata(dnskey, zone)).toUpperCase()).toBe(
      '60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A',
    );
  });

  it('says in CDS and CDNSKEY that all is to be removed (RFC 8078 §4)', () => {
    expect(rdataToText(Type.CDS, DELETE_CDS)).toBe('0 0 0 00');
    expect(rdataToText(Type.CDNSKEY, DELETE_CDNSKEY)).toBe('0 3 0 AA==');
  });
});
