import { describe, expect, it } from 'vitest';
import { HandshakeEnd } from '../../../src/session/session-end.js';
import { LONGEST_MESSAGE, MessageLengths } from '../../../src/tls/openssl/message-lengths.js';
import { handshakeFailure } from '../../../src/transport/handshake-failure.js';
import { SEED } from '../../support/seed.js';
import { clientHello } from '../../transport/tls.js';
import { MemoryServer, only, settingsWith, VERSIONS } from './support.js';

const settings = settingsWith();
const SERVER_HELLO = 22;
const ALERT = Buffer.of(21, 3, 3, 0, 2, 2, 47);
const PADDING = 21;

const uint16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const uint24 = (value: number): Buffer => Buffer.of(value >> 16, (value >> 8) & 255, value & 255);
const record = (octets: Uint8Array): Buffer => Buffer.concat([Buffer.of(22, 3, 1), uint16(octets.length), octets]);
/** The header of a ClientHello of this length, and nothing of it. */
const header = (length: number): Buffer => Buffer.concat([Buffer.of(1), uint24(length)]);

/** A ClientHello of node:tls that padding (RFC 7685) makes this long, as a message without its record. */
async function helloOf(length: number, version: (typeof VERSIONS)[number]): Promise<Buffer> {
  const message = (await clientHello(only(version))).subarray(5);
  const body = message.subarray(4);
  // Version, random, session, ciphers, compression; then the length of the extensions.
  const ciphers = 35 + body.readUInt8(34);
  const compression = ciphers + 2 + body.readUInt16BE(ciphers);
  const extensions = compression + 1 + body.readUInt8(compression);
  const there = body.subarray(extensions + 2);
  const padding = length - body.length - 4;
  const more = Buffer.concat([uint16(PADDING), uint16(padding), Buffer.alloc(padding)]);
  const whole = [body.subarray(0, extensions), uint16(there.length + more.length), there, more];
  return Buffer.concat([header(length), ...whole]);
}

/** Opens a connection, gives it the octets in pieces, and returns what it sends and what happened. */
function give(server: MemoryServer, octets: Buffer, piece = octets.length) {
  const sent: Buffer[] = [];
  const connection = server.open((part) => sent.push(part));
  for (let at = 0; at < octets.length; at += piece) connection.receive(octets.subarray(at, at + piece));
  const { events } = connection;
  connection.free();
  return { sent: Buffer.concat(sent), events };
}

const REFUSED = ['failed ERR_SSL_EXCESSIVE_MESSAGE_SIZE'];

describe('a ClientHello', () => {
  it.each(VERSIONS)(
    'is answered up to the longest that is taken, and refused with an alert above it: %s',
    async (version) => {
      using server = new MemoryServer(settings);
      const longest = give(server, record(await helloOf(LONGEST_MESSAGE, version)));
      expect([longest.sent[0], longest.events]).toEqual([SERVER_HELLO, []]);
      const tooLong = await helloOf(LONGEST_MESSAGE + 1, version);
      const records = Buffer.concat([record(tooLong.subarray(0, 16_000)), record(tooLong.subarray(16_000))]);
      expect(give(server, records)).toEqual({ sent: ALERT, events: REFUSED });
      expect(handshakeFailure('ERR_SSL_EXCESSIVE_MESSAGE_SIZE')).toBe(HandshakeEnd.OTHER);
      expect(server.engine.counts).toEqual({ open: 0, refused: 0, leftovers: 0, callbackMistakes: 0 });
    },
  );

  it('is judged by its header, wherever records and reads cut it', () => {
    using server = new MemoryServer(settings);
    for (const length of [LONGEST_MESSAGE, LONGEST_MESSAGE + 1, 131_000, 0xffffff]) {
      const octets = Buffer.concat([header(length), Buffer.of(3, 3)]);
      for (let cut = 0; cut <= octets.length; cut++) {
        const parts = [octets.subarray(0, cut), octets.subarray(cut)].filter((part) => part.length > 0);
        for (const piece of [1, 3, 7, 100]) {
          const { sent, events } = give(server, Buffer.concat(parts.map(record)), piece);
          expect([length, cut, piece, events[0]]).toEqual([
            length,
            cut,
            piece,
            length > LONGEST_MESSAGE ? REFUSED[0] : undefined,
          ]);
          expect(sent).toEqual(length > LONGEST_MESSAGE ? ALERT : Buffer.alloc(0));
        }
      }
    }
  });

  it('costs no memory for what it promises', () => {
    using server = new MemoryServer(settings);
    const grown = (length: number): number => {
      const before = process.memoryUsage.rss();
      const open = Array.from({ length: 600 }, () => server.open(() => {}));
      for (const connection of open) connection.receive(record(Buffer.concat([header(length), Buffer.of(3, 3)])));
      const after = process.memoryUsage.rss();
      for (const connection of open) connection.free();
      return (after - before) / open.length / 1024;
    };
    grown(LONGEST_MESSAGE);
    // 126 KiB each where OpenSSL allocates for the promise.
    expect(grown(131_000)).toBeLessThan(60);
  });
});

describe('the lengths of messages', () => {
  const takes = (octets: Buffer, plain = true, piece = octets.length): boolean => {
    const lengths = new MessageLengths();
    for (let at = 0; at < octets.length; at += piece) {
      const part = octets.subarray(at, at + piece);
      if (!lengths.take(part, part.length, () => plain)) return false;
    }
    return true;
  };
  const change = Buffer.of(20, 3, 3, 0, 1, 1);

  it('are read of all messages in the clear, also of a second ClientHello', () => {
    let state = SEED;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    for (let round = 0; round < 300; round++) {
      const messages = Array.from({ length: 1 + random(4) }, () => Buffer.concat([header(0), Buffer.alloc(0)]));
      for (const [i] of messages.entries()) {
        const length = random(400);
        messages[i] = Buffer.concat([header(length), Buffer.alloc(length, 0xff)]);
      }
      const tooLong = random(2) === 1;
      const whole = Buffer.concat([
        ...messages,
        tooLong ? header(LONGEST_MESSAGE + 1 + random(1000)) : Buffer.alloc(0),
      ]);
      const records: Buffer[] = [];
      for (let at = 0; at < whole.length; ) {
        const length = random(120);
        records.push(record(whole.subarray(at, at + length)), ...(random(5) === 0 ? [change] : []));
        at += length;
      }
      const stream = Buffer.concat(records);
      expect([SEED, round, takes(stream, true, 1 + random(stream.length))]).toEqual([SEED, round, !tooLong]);
    }
  });

  it('are not read of what is sealed', () => {
    const sealed = record(Buffer.alloc(40, 0xff));
    expect(takes(Buffer.concat([change, sealed]), false)).toBe(true);
    expect(takes(Buffer.concat([change, sealed]), true)).toBe(false);
    expect(takes(Buffer.concat([Buffer.of(23, 3, 3, 0, 1, 1), sealed]))).toBe(true);
  });
});
