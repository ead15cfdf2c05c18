import { describe, expect, it } from 'vitest';
import { dsGlueRdata } from '../../src/dnssec/ds-glue.js';
import { nameFromText } from '../../src/protocol/name.js';
import { engineOf } from '../support/engine.js';
import { buildQuery, decodeMessage } from '../support/message.js';

const NUMBERS = { algorithm: 251, digestType: 250 };
const APEX = nameFromText('Example.com.');
const glue = (owner: string, type: number, rdata: Uint8Array): string =>
  Buffer.from(dsGlueRdata(APEX, { owner: nameFromText(owner), type, rdata }, NUMBERS)).toString('hex');

/** Octets of RDATA before the digest: key tag, algorithm, digest type. */
const digestOf = (hex: string): string => hex.slice(8);
/** Flags, protocol, algorithm of the virtual DNSKEY record. */
const KEY = '000103fb';

// draft-schwartz-ds-glue "Encoding": the virtual DNSKEY records of its examples, in base64.
describe('DS glue of', () => {
  it.each([
    { name: 'ns1.example.com.', key: 'AAIDbnMxB2V4YW1wbGUDY29tAA==' },
    { name: 'ns2.example.com.', key: 'AAIDbnMyB2V4YW1wbGUDY29tAA==' },
    { name: 'NS.OTHER.EXAMPLE.', key: 'AAICbnMFb3RoZXIHZXhhbXBsZQA=' },
  ])('NS $name is that of the draft, in lower case', ({ name, key }) => {
    const found = glue('example.com.', 2, nameFromText(name));
    expect(digestOf(found)).toBe(`00${KEY}${Buffer.from(key, 'base64').toString('hex')}`);
    expect(found.slice(4, 8)).toBe('fbfa');
  });

  it('an address has the part of the owner below the apex, and a key tag as RFC 4034 appendix B says', () => {
    const found = glue('NS1.example.COM.', 1, Uint8Array.of(192, 0, 2, 1));
    expect(digestOf(found)).toBe(`036e733100${KEY}0001c0000201`);
    // 0001 + 03fb + 0001 + c000 + 0201
    expect(found.slice(0, 4)).toBe('c5fe');
  });

  it('a name elsewhere is a mistake', () => {
    expect(() => glue('ns.example.net.', 1, Uint8Array.of(192, 0, 2, 1))).toThrow(RangeError);
  });
});

describe('a parent that has DS glue', () => {
  it('serves it like any DS record', () => {
    const ds = glue('ns1.example.com.', 1, Uint8Array.of(192, 0, 2, 1));
    const record = `example DS 1 251 250 ${digestOf(ds)}`;
    const text = `$ORIGIN com.\n$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.2\nexample NS ns1.example\nns1.example A 192.0.2.1\n${record}\n`;
    const engine = engineOf([{ file: 'com', text }]);
    const query = buildQuery({ name: 'example.com', type: 'DS', edns: { dnssecOk: true } });
    const { answer } = decodeMessage(engine.ask(query, 'udp')!);
    expect(answer.map(({ owner, type, rdata }) => `${owner} ${type} ${rdata}`)).toEqual([
      `example.com. 43 0001fbfa${digestOf(ds)}`,
    ]);
  });
});
