import { expect, test } from 'vitest';
import { Type } from '../../../src/protocol/iana.js';
import { CODECS } from '../../../src/protocol/rdata/codecs.js';
import { FieldKind } from '../../../src/protocol/rdata/field.js';
import { Additional, ROWS } from '../../../src/protocol/rdata/rows.js';
import { nameLayout, rowOf, typeByMnemonic, typeToText } from '../../../src/protocol/rdata/table.js';

test('every row has its own number and mnemonic, and is found by both', () => {
  expect(new Set(ROWS.map((row) => row.type)).size).toBe(ROWS.length);
  for (const row of ROWS) {
    expect(rowOf(row.type)).toBe(row);
    expect(typeByMnemonic(row.mnemonic)).toBe(row.type);
    expect(typeByMnemonic(row.mnemonic.toLowerCase())).toBe(row.type);
    expect(typeToText(row.type)).toBe(row.mnemonic);
  }
});

test('the types that code refers to by name are those of the table', () => {
  for (const [mnemonic, type] of Object.entries(Type)) expect(typeToText(type)).toBe(mnemonic);
});

test('every kind of field has a codec at its place', () => {
  expect(Object.values(FieldKind)).toEqual(Array.from(CODECS.keys()));
});

test.each([
  ['TYPE1', 1],
  ['type65535', 65_535],
  ['TYPE0', 0],
  ['TYPE65536', undefined],
  ['TYPE', undefined],
  ['TYPE1x', undefined],
  ['TYPE-1', undefined],
  ['TYPE000001', undefined],
  ['', undefined],
  ['AA', undefined],
  ['Ⓐ', undefined],
])('type %s', (text, type) => {
  expect(typeByMnemonic(text)).toBe(type);
});

test('unknown types are printed by number', () => {
  expect(typeToText(65_280)).toBe('TYPE65280');
  expect(rowOf(65_280)).toBeUndefined();
});

test.each([
  ['NS', { at: 0, count: 1, compressible: true, additional: Additional.ADDRESSES }],
  ['CNAME', { at: 0, count: 1, compressible: true, additional: Additional.NOTHING }],
  ['SOA', { at: 0, count: 2, compressible: true, additional: Additional.NOTHING }],
  ['MINFO', { at: 0, count: 2, compressible: true, additional: Additional.NOTHING }],
  ['MX', { at: 2, count: 1, compressible: true, additional: Additional.ADDRESSES }],
  ['RP', { at: 0, count: 2, compressible: false, additional: Additional.NOTHING }],
  ['SRV', { at: 6, count: 1, compressible: false, additional: Additional.ADDRESSES }],
  ['SVCB', { at: 2, count: 1, compressible: false, additional: Additional.SERVICE }],
  ['HTTPS', { at: 2, count: 1, compressible: false, additional: Additional.SERVICE }],
  ['DNAME', { at: 0, count: 1, compressible: false, additional: Additional.NOTHING }],
  ['RRSIG', { at: 18, count: 1, compressible: false, additional: Additional.NOTHING }],
  ['A', undefined],
  ['TXT', undefined],
  ['NAPTR', undefined],
  ['HIP', undefined],
  ['TYPE65280', undefined],
])('names of %s', (mnemonic, layout) => {
  expect(nameLayout(typeByMnemonic(mnemonic)!)).toEqual(layout);
});

test('only the types of RFC 1035 are compressed', () => {
  const compressed = ROWS.filter((row) => nameLayout(row.type)?.compressible === true).map((row) => row.mnemonic);
  expect(compressed).toEqual(['NS', 'MD', 'MF', 'CNAME', 'SOA', 'MB', 'MG', 'MR', 'PTR', 'MINFO', 'MX']);
});
