import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdotdError } from '../../../src/errors.js';
import { genericText, rdataToText } from '../../../src/protocol/rdata/print.js';
import { ROWS } from '../../../src/protocol/rdata/rows.js';
import { isMetaType, rowOf } from '../../../src/protocol/rdata/table.js';
import { canonicalRdata, checkRdata, readRdata } from '../../../src/protocol/rdata/wire.js';
import { ZoneSyntaxError } from '../../../src/protocol/tokens.js';
import { SEED } from '../../support/seed.js';
import { arbitraryRdata } from './arbitrary.js';
import { cases } from './cases.js';
import { hex, scanOctets } from './support.js';

/** A failure is reported with the path to its case. */
const runs = (numRuns: number): fc.Parameters<unknown> => ({ seed: SEED, numRuns });

const rows = ROWS.filter((row) => !isMetaType(row.type));
const anyType = fc.oneof(fc.constantFrom(...rows.map((row) => row.type)), fc.integer({ min: 256, max: 65_535 }));

describe.each(rows.map((row) => [row.mnemonic, row] as const))('generated RDATA of %s', (_mnemonic, row) => {
  const wellFormed = arbitraryRdata(row);

  test('is printed and read back to the same octets', () => {
    fc.assert(
      fc.property(wellFormed, (rdata) => {
        const text = rdataToText(row.type, rdata);
        expect(hex(scanOctets(row.type, Buffer.from(text, 'latin1')))).toBe(hex(rdata));
        expect(rdataToText(row.type, scanOctets(row.type, Buffer.from(text, 'latin1')))).toBe(text);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
      }),
      runs(60),
    );
  });

  test('is well formed on the wire, and no longer when octets are missing or added', () => {
    fc.assert(
      fc.property(wellFormed, fc.nat(), (rdata, cut) => {
        expect(checkRdata(row.type, rdata, 0, rdata.length)).toBeUndefined();
        expect(hex(readRdata(row.type, rdata, 0, rdata.length))).toBe(hex(rdata));
        expect(hex(scanOctets(row.type, Buffer.from(genericText(rdata))))).toBe(hex(rdata));
        expect(canonicalRdata(row.type, canonicalRdata(row.type, rdata))).toEqual(canonicalRdata(row.type, rdata));
        const shorter = rdata.subarray(0, cut % (rdata.length + 1));
        if (checkRdata(row.type, shorter, 0, shorter.length) !== undefined)
          expect(rdataToText(row.type, shorter)).toBe(genericText(shorter));
      }),
      runs(60),
    );
  });
});

/** A zone file cannot have other content (content.ts), but an image can. */
const hasRightContent = (type: number, rdata: Uint8Array): boolean =>
  rowOf(type)?.judge?.(rdata, 0, rdata.length) === undefined;

describe('whatever octets it gets', () => {
  const wire = fc.uint8Array({ maxLength: 120 });

  test('the wire reader returns a reason or throws ADOTD_WIRE', () => {
    fc.assert(
      fc.property(anyType, wire, fc.nat(130), fc.nat(130), (type, octets, at, length) => {
        const reason = checkRdata(type, octets, at, length);
        let read: Uint8Array;
        try {
          read = readRdata(type, octets, at, length);
        } catch (error) {
          expect(error).toBeInstanceOf(AdotdError);
          expect(error).toHaveProperty('code', 'ADOTD_WIRE');
          expect(reason).toBeDefined();
          return;
        }
        expect(checkRdata(type, read, 0, read.length)).toBeUndefined();
        if (hasRightContent(type, read))
          expect(hex(scanOctets(type, Buffer.from(rdataToText(type, read), 'latin1')))).toBe(hex(read));
      }),
      runs(20_000),
    );
  });

  test('the printer prints something that is read back, or the generic form', () => {
    fc.assert(
      fc.property(anyType, wire, (type, octets) => {
        const text = rdataToText(type, octets);
        if (checkRdata(type, octets, 0, octets.length) !== undefined) expect(text).toBe(genericText(octets));
        else if (hasRightContent(type, octets))
          expect(hex(scanOctets(type, Buffer.from(text, 'latin1')))).toBe(hex(octets));
        canonicalRdata(type, octets);
      }),
      runs(20_000),
    );
  });

  const noise = fc.uint8Array({ maxLength: 80 });
  /** Text of a case with a piece replaced by octets that mean something. */
  const mangled = fc
    .tuple(
      fc.constantFrom(...cases),
      fc.nat(),
      fc.nat(6),
      fc.array(fc.constantFrom(...Buffer.from('.\\"@();=,:-/09aZ \n\0\xff', 'latin1')), { maxLength: 6 }),
    )
    .map(([{ text }, at, cut, piece]) => {
      const octets = Buffer.from(text);
      const from = at % (octets.length + 1);
      return Buffer.concat([octets.subarray(0, from), Uint8Array.from(piece), octets.subarray(from + cut)]);
    });

  test('the scanner throws only the coded error, and what it accepts is well formed', () => {
    fc.assert(
      fc.property(anyType, fc.oneof(noise, mangled), (type, octets) => {
        let rdata: Uint8Array;
        try {
          rdata = scanOctets(type, octets);
        } catch (error) {
          expect(error).toBeInstanceOf(ZoneSyntaxError);
          return;
        }
        expect(checkRdata(type, rdata, 0, rdata.length)).toBeUndefined();
      }),
      runs(20_000),
    );
  });

  test('the scanner survives mangled text of every type', () => {
    fc.assert(
      fc.property(fc.constantFrom(...cases), mangled, fc.nat(), fc.nat(5), (one, other, at, cut) => {
        const type = rows.find((row) => row.mnemonic === one.type)?.type ?? 65_280;
        const octets = Buffer.from(one.text);
        const from = at % (octets.length + 1);
        const text = Buffer.concat([octets.subarray(0, from), other.subarray(0, cut), octets.subarray(from + cut)]);
        try {
          const rdata = scanOctets(type, text);
          expect(checkRdata(type, rdata, 0, rdata.length)).toBeUndefined();
        } catch (error) {
          expect(error).toBeInstanceOf(ZoneSyntaxError);
        }
      }),
      runs(20_000),
    );
  });
});
