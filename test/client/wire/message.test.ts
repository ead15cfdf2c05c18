import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientError, ClientErrorCode } from '../../../src/client/errors.js';
import { keepaliveOf, optionText } from '../../../src/client/wire/edns.js';
import { decodeMessage, encodeQuery, HeaderFlag } from '../../../src/client/wire/message.js';
import { SEED } from '../../support/seed.js';
import { answer } from '../support.js';

const UDP = { stream: false, encrypted: false };
const TCP = { stream: true, encrypted: false };
const TLS = { stream: true, encrypted: true };

describe('queries', () => {
  it('are header and question, and have EDNS only when asked to', () => {
    const wire = encodeQuery({ name: 'a.test', type: 1, id: 0x1234 }, UDP);
    expect(wire.toString('hex')).toBe('12340000000100000000000001610474657374000001' + '0001');
    const edns = encodeQuery({ name: '.', type: 2, id: 1, recursion: true, edns: { dnssec: true } }, UDP);
    expect(edns.toString('hex')).toBe('0001010000010000000000010000020001' + '00002904d0000080000000');
  });

  it('have TO in EDNS that is added for it', () => {
    const query = decodeMessage(encodeQuery({ name: 'STARTTLS', type: 16, class: 3 }, TCP, 0x4000));
    expect(query).toMatchObject({ flags: 0, edns: { flags: 0x4000, version: 0 } });
  });

  it('are padded to a multiple of the block inside TLS, by the last option, and nowhere else', () => {
    for (let length = 1; length < 60; length++) {
      const query = { name: `${'a'.repeat(length)}.test`, type: 1, edns: { padding: 128, nsid: true } };
      const inside = encodeQuery(query, TLS);
      expect(inside.length % 128).toBe(0);
      expect(decodeMessage(inside).edns?.options.map(({ code }) => code)).toEqual([3, 12]);
      expect(decodeMessage(encodeQuery(query, TCP)).edns?.options.map(({ code }) => code)).toEqual([3]);
    }
  });

  it('ask for keepalive on streams only, and carry cookies and other options', () => {
    const edns = { keepalive: true, cookie: true, options: [{ code: 65001, data: Uint8Array.of(1, 2) }] };
    const codes = (channel: typeof UDP) =>
      decodeMessage(encodeQuery({ name: '.', type: 1, edns }, channel)).edns?.options.map((o) => [
        o.code,
        o.data.length,
      ]);
    expect(codes(UDP)).toEqual([
      [10, 8],
      [65001, 2],
    ]);
    expect(codes(TCP)).toEqual([
      [10, 8],
      [11, 0],
      [65001, 2],
    ]);
  });
});

const query = encodeQuery({ name: 'a.test', type: 16, id: 7 }, UDP);

describe('answers', () => {
  it('are decoded whole', () => {
    const message = decodeMessage(answer(query, { text: 'hello', ednsFlags: 0xc000, rcode: 3 }));
    expect(message).toMatchObject({ id: 7, rcode: 3, opcode: 0, questions: [{ name: 'a.test.', type: 16, class: 1 }] });
    expect(message.answers).toMatchObject([{ name: 'a.test.', ttl: 60, type: 16, data: '"hello"' }]);
    expect(message.edns).toMatchObject({ size: 1232, flags: 0xc000, options: [] });
    expect(message.flags & HeaderFlag.AA).toBe(HeaderFlag.AA);
  });

  it('have an RCODE of twelve bits with EDNS', () => {
    const wire = answer(query, { ednsFlags: 0, rcode: 7 });
    wire[wire.length - 6] = 1;
    expect(decodeMessage(wire).rcode).toBe(23);
  });

  it('cut off anywhere are malformed', () => {
    const whole = answer(query, { text: 'hello', ednsFlags: 0 });
    for (let end = 0; end < whole.length; end++) {
      expect(() => decodeMessage(whole.subarray(0, end))).toThrow(
        expect.objectContaining({ code: 'CLIENT_MALFORMED' }),
      );
    }
    expect(() => decodeMessage(Buffer.concat([whole, Buffer.of(0)]))).toThrow(/1 octets behind the last record/);
  });

  /** An answer with one TXT record and OPT, in which some 16-bit fields are overwritten. */
  const whole = answer(query, { text: 'x', ednsFlags: 0 });
  const with16 = (...fields: readonly (readonly [at: number, value: number])[]): Buffer => {
    const wire = Buffer.from(whole);
    for (const [at, value] of fields) wire.writeUInt16BE(value, at);
    return wire;
  };
  const owner = whole.indexOf(Buffer.of(0xc0, 12));
  const opt = whole.length - 11;
  it.each([
    ['a pointer to itself', with16([owner, 0xc000 + owner]), /not backwards/],
    ['65535 records counted', with16([6, 0xffff]), /ends within 65535 records/],
    ['RDLENGTH past the end', with16([opt + 9, 99]), /ends within RDATA of 99 octets/],
    ['two OPT records', Buffer.concat([with16([10, 2]), whole.subarray(opt)]), /a second OPT/],
    ['OPT as an answer', with16([6, 2], [10, 0]), /wrong section/],
    ['an option past RDLEN', Buffer.concat([with16([opt + 9, 4]), Buffer.of(0, 3, 0, 1)]), /past the end of the OPT/],
  ])('with %s are malformed', (_what, wire, reason) => {
    expect(() => decodeMessage(wire)).toThrow(reason);
  });

  it('of any octets decode or are malformed, and nothing else happens', () => {
    const base = answer(query, { text: 'hello', ednsFlags: 0 });
    const judged = (octets: Uint8Array): boolean => {
      try {
        decodeMessage(octets);
        return true;
      } catch (error) {
        return error instanceof ClientError && error.code === ClientErrorCode.MALFORMED;
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), judged), { seed: SEED, numRuns: 3000 });
    const edits = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    const mutated = fc.property(edits, (list) => {
      const octets = Buffer.from(base);
      for (const [at, value] of list) octets[at] = value;
      return judged(octets);
    });
    fc.assert(mutated, { seed: SEED, numRuns: 5000 });
  });
});

describe('EDNS options', () => {
  it.each([
    [{ code: 3, data: Buffer.from('ns1') }, 'NSID: 6e7331 ("ns1")'],
    [{ code: 11, data: Buffer.of(0, 100) }, 'TCP-KEEPALIVE: 10.0 s'],
    [{ code: 12, data: Buffer.alloc(7) }, 'PADDING: 7 octets'],
    [{ code: 15, data: Buffer.from('\0\x14no') }, 'EDE: 20 (NOT_AUTHORITATIVE): "no"'],
    [{ code: 15, data: Buffer.of(0, 35) }, 'EDE: 35 (BLOCKED_BY_UPSTREAM)'],
    [{ code: 15, data: Buffer.of(1) }, 'EDE: 01'],
    [{ code: 8, data: Buffer.of(0, 1) }, 'CLIENT_SUBNET: 0001'],
    [{ code: 4711, data: Buffer.of(255) }, 'OPT=4711: ff'],
  ])('are printed: %j', (option, text) => {
    expect(optionText(option)).toBe(text);
  });

  it('tell the idle time', () => {
    const edns = { size: 0, version: 0, flags: 0, options: [{ code: 11, data: Buffer.of(0, 5) }] };
    expect(keepaliveOf(edns)).toBe(500);
    expect(keepaliveOf(undefined)).toBeUndefined();
  });
});
