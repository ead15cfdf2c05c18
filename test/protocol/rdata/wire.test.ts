import { describe, expect, test } from 'vitest';
import { canonicalRdata, checkRdata, readRdata } from '../../../src/protocol/rdata/wire.js';
import { fromHex, hex, scan, typeNumber } from './support.js';

/** A message of 12 octets of header, the name `Example.` at 12, and what follows from 21 on. */
function message(rest: string): Uint8Array {
  return fromHex(`${'00'.repeat(12)} 074578616d706c6500 ${rest}`);
}

function read(type: string, rdata: string): string {
  return hex(readRdata(typeNumber(type), message(rdata), 21, fromHex(rdata).length));
}

describe('reading names of a message', () => {
  test.each([
    ['NS', 'c00c', '074578616d706c6500'],
    ['NS', '0161c00c', '0161074578616d706c6500'],
    ['MX', '000a0161c00c', '000a0161074578616d706c6500'],
    ['SOA', 'c00c016ac01700000001000000020000000300000004 00000005', undefined],
    ['SRV', '000100020003c00c', '000100020003074578616d706c6500'],
    ['RP', 'c00cc00c', '074578616d706c6500074578616d706c6500'],
    ['TXT', '0161', '0161'],
    ['TYPE65280', 'c00c', 'c00c'],
  ])('%s %s', (type, rdata, expected) => {
    if (expected === undefined) expect(() => read(type, rdata)).toThrow(/malformed RDATA of type SOA/);
    else expect(read(type, rdata)).toBe(expected);
  });

  test.each([
    ['NS', 'c015', 'a pointer to itself'],
    ['NS', 'c020', 'a pointer forwards'],
    ['NS', '0161c015', 'a pointer to the labels that lead to it'],
    ['NS', 'c0', 'half a pointer'],
    ['NS', 'ff', 'half a pointer at the end of the message'],
    ['NS', '4001', 'a label type that is reserved'],
    ['NS', '0361', 'a label cut off'],
    ['NS', '0161', 'a name without root'],
    ['NS', 'c00c00', 'an octet behind the name'],
    ['DNAME', 'c00c', 'a pointer in a type that must not have one'],
    ['NSEC', 'c00c000140', 'a pointer in NSEC'],
    ['SVCB', '0001c00c', 'a pointer in SVCB'],
  ])('%s %s is refused: %s', (type, rdata) => {
    expect(() => read(type, rdata)).toThrow(expect.objectContaining({ code: 'ADOTD_WIRE' }));
  });

  test('a chain of backward pointers that makes a name too long ends in an error', () => {
    // 21: 63 octets of label and root; then labels that each point to the one before.
    let octets = `3f${'61'.repeat(63)}00`;
    let target = 21;
    for (let i = 0; i < 4; i++) {
      const at = 21 + octets.length / 2;
      octets += `3f${'61'.repeat(63)}c0${target.toString(16).padStart(2, '0')}`;
      target = at;
    }
    const whole = message(octets);
    expect(readRdata(2, whole, 86, 66)).toHaveLength(129);
    expect(readRdata(2, whole, 152, 66)).toHaveLength(193);
    expect(() => readRdata(2, whole, 218, 66)).toThrow(/the octets from 0 on are no valid nameserver/);
  });

  test('lengths beyond the message are refused', () => {
    expect(() => readRdata(1, message('c0000201'), 21, 5)).toThrow(/not within the message/);
    expect(() => readRdata(65280, message(''), 21, 1)).toThrow(/not within the message/);
    expect(checkRdata(1, message('c0000201'), 21, 5)).toMatch(/only 4 are there/);
  });
});

test.each([
  ['A', 'c00002', /from 0 on are no valid address/],
  ['A', 'c000020101', /1 octet follows its last field/],
  ['TXT', '', /from 0 on are no valid text/],
  ['TXT', '0261', /no valid text/],
  ['NSEC', '00 00', /from 1 on are no valid types/],
  ['NSEC', '00 0000', /no valid types/],
  ['NSEC', '00 000100', /no valid types/],
  ['NSEC', '00 0021 ff', /no valid types/],
  ['NSEC', '00 010140 000140', /no valid types/],
  ['NSEC', '00 000140 000140', /no valid types/],
  ['NS', `${'3f'.concat('61'.repeat(63)).repeat(3)}3e${'61'.repeat(62)}00`, /no valid nameserver/],
  ['NSEC3', '01000000 00 00', /no valid next hashed owner/],
  ['DS', '00010802aabb', /no valid digest/],
  ['LOC', '00ff161380000000800000000098968000', /no valid location/],
  ['LOC', '00a216138000000080000000 00989680', /no valid location/],
  ['APL', '00012005 0a00000001', /no valid address prefixes/],
  ['APL', '000118020a00', /no valid address prefixes/],
  ['IPSECKEY', '0a0402', /no valid gateway/],
  ['A6', '41 8000000000000000 00', /no valid address/],
  ['HIP', '01020001aa', /no valid host identity/],
  ['ATMA', '0141', /no valid address/],
  ['CAA', '0000', /no valid tag/],
])('%s %s is no RDATA', (type, wire, reason) => {
  const rdata = fromHex(wire);
  expect(checkRdata(typeNumber(type), rdata, 0, rdata.length)).toMatch(reason);
});

describe('canonical form', () => {
  test.each([
    ['NS', 'NS1.Example.', 'ns1.example.'],
    ['SOA', 'A. B. 1 2 3 4 5', 'a. b. 1 2 3 4 5'],
    ['MX', '10 A.B.', '10 a.b.'],
    ['SRV', '1 2 3 A.', '1 2 3 a.'],
    ['NAPTR', '1 2 "S" "X" "" A.', '1 2 "S" "X" "" a.'],
    ['RRSIG', 'A 8 2 3600 1 2 3 Example. AQMF', 'A 8 2 3600 1 2 3 example. AQMF'],
    ['DNAME', 'A.', 'a.'],
    ['A6', '64 ::4142:4344 AB.', '64 ::4142:4344 ab.'],
    ['NSAP-PTR', 'A.', 'A.'],
    ['IPSECKEY', '1 3 0 A.', '1 3 0 A.'],
    ['NSEC', 'A. A', 'A. A'],
    ['TXT', 'ABC', 'ABC'],
    ['SVCB', '1 A.', '1 A.'],
    ['LP', '1 A.', '1 A.'],
    ['HIP', '2 AA AQMF A.', '2 AA AQMF A.'],
  ])('%s %s', (type, text, lowered) => {
    const rdata = scan(type, text);
    const before = hex(rdata);
    expect(hex(canonicalRdata(typeNumber(type), rdata))).toBe(hex(scan(type, lowered)));
    expect(hex(rdata)).toBe(before);
  });
});
