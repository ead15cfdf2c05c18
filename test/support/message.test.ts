import packet from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { buildQuery, decodeMessage } from './message.js';
import { nameFromText, nameToText } from './names.js';
import { rdataFromText, rdataToText, tokensOf, typeNumber } from './rdata.js';

describe('decodeMessage', () => {
  it('reads what dns-packet writes, names in RDATA uncompressed', () => {
    const bytes = packet.encode({
      type: 'response',
      id: 7,
      flags: packet.AUTHORITATIVE_ANSWER,
      questions: [{ name: 'Ex.test', type: 'MX', class: 'IN' }],
      answers: [{ name: 'Ex.test', type: 'MX', ttl: 60, data: { preference: 5, exchange: 'm.ex.test' } }],
      additionals: [
        {
          name: '.',
          type: 'OPT',
          udpPayloadSize: 1232,
          flags: 0x8000,
          options: [],
          extendedRcode: 0,
          ednsVersion: 0,
          flag_do: true,
        },
      ],
    });
    const message = decodeMessage(bytes);
    expect(message.flags).toMatchObject({ qr: true, aa: true, tc: false });
    expect(message.question).toEqual([{ name: 'Ex.test.', type: 15, class: 1 }]);
    expect(message.answer[0]).toMatchObject({ owner: 'Ex.test.', ttl: 60, text: '5 m.ex.test.' });
    expect(message.edns).toMatchObject({ udpSize: 1232, dnssecOk: true, flags: 0, options: [] });
  });

  const query = (): Uint8Array =>
    buildQuery({ name: 'a.test', type: 'A', edns: { options: [{ code: 3, data: new Uint8Array(0) }] } });

  it('reads what buildQuery writes', () => {
    expect(decodeMessage(query())).toMatchObject({ id: 0x4242, edns: { options: [{ code: 3 }] }, additional: [] });
  });

  it.each([
    ['trailing octets', buildQuery({ name: 'a.test', trailing: new Uint8Array(1) })],
    ['a wrong count', buildQuery({ name: 'a.test', counts: [1, 1, 0, 0] })],
    ['a pointer to itself', buildQuery({ name: Uint8Array.from([0xc0, 12]) })],
    ['a label type of 0x40', buildQuery({ name: Uint8Array.from([0x41, 1, 0]) })],
    ['a name of 256 octets', buildQuery({ name: Uint8Array.from([...Array(127).fill([1, 97]).flat(), 1]) })],
    ['half a message', query().subarray(0, 20)],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decodeMessage(bytes)).toThrow();
  });
});

describe('presentation format', () => {
  it.each(['.', 'a.test.', 'a\\.b\\000.test.', '*.A.test.'])('keeps the name %s', (name) => {
    expect(nameToText(nameFromText(name))).toBe(name);
  });

  it.each([
    ['A', '192.0.2.1'],
    ['AAAA', '2001:db8::1'],
    ['AAAA', '::'],
    ['AAAA', '1:0:0:2::'],
    ['SOA', 'ns.test. a\\.b.test. 1 2 3 4 5'],
    ['TXT', '"a b" "\\"\\\\" "\\200"'],
    ['RRSIG', 'A 13 2 300 20600101000000 20200101000000 12345 test. AAAA'],
    ['NSEC', 'b.test. A RRSIG NSEC TYPE1234'],
    ['NSEC3', '1 1 0 AB 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG'],
    ['NAPTR', '1 2 "u" "E2U+sip" "!^.*$!sip:a@b!" .'],
    ['CAA', '0 "issue" "ca.test; a=b"'],
    ['TYPE65280', '\\# 3 0a0b0c'],
  ])('keeps %s %s', (type, text) => {
    const number = typeNumber(type);
    expect(rdataToText(number, rdataFromText(number, tokensOf(text)))).toBe(text);
  });
});
