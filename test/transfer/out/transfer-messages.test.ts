import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { load } from '../../../src/image/load.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { TsigVerdict } from '../../../src/protocol/tsig/tsig.js';
import { StreamVerifier } from '../../../src/protocol/tsig/tsig-stream.js';
import { configuredKeys } from '../../../src/server/plane/tsig-secrets.js';
import { TransferMessages } from '../../../src/transfer/out/transfer-messages.js';
import { LARGEST } from '../../../src/transfer/out/transfer-writer.js';
import { ZoneContent } from '../../../src/transfer/out/zone-content.js';
import { imageOf, OPTIONS } from '../../image/changes/versions.js';
import { ZoneVersions } from '../../image/changes/zone-versions.js';
import { decodeMessage } from '../../support/message.js';
import { messagesOf, NOW, recordsOf, recordsOfImage, transferOf, transferQuery, viewOf } from './support.js';

const SEEDS = Array.from({ length: 150 }, (_, seed) => seed);
const SOA = ' 6 ';
const KEY = { name: 'key.test.', algorithm: 'hmac-sha256', secret: 'c2VjcmV0IG9mIHRoZSB0ZXN0cw==' };
const [key] = configuredKeys(configSchema.parse({ tsig: [KEY] }));

/** A zone with as many hosts. */
function hosts(count: number, address = '192.0.2.1'): Uint8Array {
  const lines = Array.from({ length: count }, (_, i) => `host${i} 300 A ${address}\nhost${i} 300 TXT "${i}"`);
  return imageOf(['@ 60 SOA ns h 1 2 3 4 5', '@ 60 NS ns', 'ns 60 A 192.0.2.1', ...lines, ''].join('\n'));
}

describe('the messages of AXFR', () => {
  it.each(SEEDS)('have every record of the zone once, and the SOA record at both ends: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const image = imageOf(versions.text(versions.first()));
    const records = recordsOf(transferOf(image, 'example.'));
    expect(records[0]).toContain(SOA);
    expect(records.at(-1)).toBe(records[0]);
    expect(records.slice(0, -1).sort()).toEqual(recordsOfImage(image).sort());
  });

  it('have the question in the first one only, which repeats the letter case of the client', () => {
    const messages = transferOf(hosts(2000), 'eXample.');
    expect(messages.length).toBeGreaterThan(2);
    expect(messages.map(({ question }) => question.map(({ name }) => name))).toEqual([
      ['eXample.'],
      ...messages.slice(1).map(() => []),
    ]);
    for (const { id, flags, rcode, authority, additional } of messages)
      expect({ id, flags, rcode, authority, additional }).toMatchObject({
        id: 4711,
        flags: { qr: true, aa: true, tc: false },
        rcode: 0,
        authority: [],
        additional: [],
      });
    // Owners keep the letter case of the zone (RFC 5936 §3.4).
    expect(messages[0]?.answer[0]?.owner).toBe('example.');
  });

  it('are filled, and names are compressed', () => {
    const image = hosts(5000);
    const messages = transferOf(image, 'example.');
    for (const { size } of messages.slice(0, -1)) {
      expect(size).toBeGreaterThan(LARGEST - 100);
      expect(size).toBeLessThanOrEqual(LARGEST);
    }
    // hostNNNN and a pointer, ten octets, four of an address; a pointer, ten octets, five of a text.
    const octets = messages.reduce((sum, { size }) => sum + size, 0);
    expect(octets / 5000).toBeLessThan(9 + 2 + 10 + 4 + 2 + 10 + 5 + 1);
  });

  it('have OPT and TSIG in each one where the query had them, and room for both', () => {
    const opt = Uint8Array.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0);
    const firstOpt = Uint8Array.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 3, 0, 0);
    const mac = Buffer.alloc(32, 7);
    const view = viewOf(hosts(3000));
    const query = transferQuery('example.', {
      opts: { first: firstOpt, rest: opt, isPadded: false },
      tsig: { key: key!, mac },
    });
    const octets = messagesOf(new TransferMessages(query, view, new ZoneContent(view)));
    const verifier = new StreamVerifier(key!, mac);
    for (const message of octets) {
      expect(message.length).toBeLessThanOrEqual(LARGEST);
      expect(verifier.verify(message, NOW)).toBe(TsigVerdict.VALID);
      expect(verifier.isSigned).toBe(true);
    }
  });

  it('are padded to full blocks where that is asked for, signed or not (RFC 7830 §4, RFC 9103 §7.9.1)', () => {
    const rest = Uint8Array.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0);
    const first = Uint8Array.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 3, 0, 0);
    const mac = Buffer.alloc(32, 7);
    for (const tsig of [undefined, { key: key!, mac }])
      for (const count of [1, 3000]) {
        const view = viewOf(hosts(count));
        const query = transferQuery('example.', { opts: { first, rest, isPadded: true }, tsig });
        const octets = messagesOf(new TransferMessages(query, view, new ZoneContent(view)));
        const verifier = tsig && new StreamVerifier(tsig.key, mac);
        expect(octets.map(({ length }) => length % 468)).toEqual(octets.map(() => 0));
        for (const message of octets.slice(0, -1)) expect(message.length).toBe(Math.floor(LARGEST / 468) * 468);
        for (const message of octets) if (verifier) expect(verifier.verify(message, NOW)).toBe(TsigVerdict.VALID);
        const decoded = octets.map(decodeMessage);
        expect(recordsOf(decoded).slice(0, -1).sort()).toEqual(recordsOfImage(hosts(count)).sort());
      }
  });

  it('have a record alone that is longer than a message should be, and an RRset in several that none has room for', () => {
    const long = (octet: string, length: number): string => `\\# ${length} ${octet.repeat(length)}`;
    const lines = Array.from(
      { length: 40 },
      (_, i) => `big 60 TYPE65280 ${long(i.toString(16).padStart(2, '0'), 9000)}`,
    );
    const text = [
      '@ 60 SOA ns h 1 2 3 4 5',
      '@ 60 NS ns',
      `alone 60 TYPE65281 ${long('ee', 60_000)}`,
      ...lines,
      '',
    ].join('\n');
    const image = imageOf(text);
    const messages = transferOf(image, 'example.');
    expect(recordsOf(messages).slice(0, -1).sort()).toEqual(recordsOfImage(image).sort());
    expect(messages.find(({ size }) => size > 60_000)?.answer).toHaveLength(1);
  });

  it('cannot have a record that fits in no message', () => {
    const image = imageOf(`@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nlong 60 TYPE65281 \\# 65530 ${'ee'.repeat(65_530)}\n`);
    expect(() => transferOf(image, 'example.')).toThrow('a record of example. is too long for a message');
  });

  it('are those of the root zone, too', () => {
    const text =
      '. 60 SOA ns. h. 1 2 3 4 5\n. 60 NS ns.\n. 60 NS a.ns.\nns. 60 A 192.0.2.1\na.ns. 60 A 192.0.2.2\ncom. 60 NS a.gtld.net.\n';
    const { image } = load({ file: 'root', bytes: Buffer.from(text), origin: nameFromText('.') }, OPTIONS);
    const records = recordsOf(transferOf(image!, '.'));
    expect(records.slice(0, -1).sort()).toEqual(recordsOfImage(image!).sort());
  });
});
