import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '../../../src/observe/tap/protobuf.js';

function written(write: (out: ProtobufWriter) => void, octets = 1): string {
  const out = new ProtobufWriter(octets);
  write(out);
  return Buffer.from(out.bytes.subarray(0, out.length)).toString('hex');
}

describe('Protocol Buffers', () => {
  // The examples of the format's own description: field 1 as 150, field 2 as "testing", field 3 as a message of the first.
  it('are written as their description says', () => {
    expect(written((out) => out.integer(1, 150))).toBe('089601');
    expect(written((out) => out.octets(2, Buffer.from('testing')))).toBe('120774657374696e67');
    const nested = (out: ProtobufWriter): void => {
      const from = out.begin(3);
      out.integer(1, 150);
      out.end(from);
    };
    expect(written(nested)).toBe('1a03089601');
    expect(written((out) => out.fixed32(9, 0x01020304))).toBe('4d04030201');
  });

  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [2 ** 32 - 1, 'ffffffff0f'],
    [2 ** 32, '8080808010'],
    [2 ** 53 - 1, 'ffffffffffffff0f'],
  ])('have the number %d in as many octets as it takes', (value, hex) => {
    expect(written((out) => out.integer(1, value))).toBe(`08${hex}`);
  });

  it.each([0, 1, 126, 127, 128, 16_383, 16_384, 70_000])('have a message of %d octets behind its length', (length) => {
    const hex = written((out) => {
      const from = out.begin(1);
      out.skip(length);
      out.end(from);
      out.integer(2, 5);
    });
    const prefix = written((out) => out.octets(1, new Uint8Array(length)));
    expect(hex.length).toBe(prefix.length + 4);
    expect(hex.startsWith(prefix.slice(0, 8))).toBe(true);
    expect(hex.endsWith('1005')).toBe(true);
  });

  it('have fields with numbers of two octets', () => {
    expect(written((out) => out.integer(16, 1))).toBe('800101');
  });
});
