import { randomBytes } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { serverNameOf } from '../../src/tls/server-name.js';
import { SEED } from '../support/seed.js';
import { clientHello } from '../transport/tls.js';
import { randomFrom } from '../zone/random-zone.js';

let named: Buffer;
let unnamed: Buffer;
beforeAll(async () => {
  const options: ConnectionOptions = { servername: 'Ns1.example.test', ALPNProtocols: ['dot'] };
  [named, unnamed] = await Promise.all([clientHello(options), clientHello()]);
});

const HEADER = 5;
/** The octets of a handshake message in records of `size` octets. */
function inRecords(message: Buffer, size: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.of(22, 3, 1, part.length >> 8, part.length & 0xff), part);
  }
  return Buffer.concat(records);
}

describe('the server name of a ClientHello', () => {
  it('is found as the client has sent it', () => {
    expect(serverNameOf(named)).toBe('Ns1.example.test');
    expect(serverNameOf(unnamed)).toBe('');
    expect(serverNameOf(Buffer.concat([named, randomBytes(100)]))).toBe('Ns1.example.test');
  });

  it('is unknown until the last octet has come', () => {
    for (let length = 0; length < named.length; length++) {
      expect(serverNameOf(named.subarray(0, length)), String(length)).toBeUndefined();
    }
  });

  it('is found in several records', () => {
    const message = named.subarray(HEADER);
    for (const size of [Math.ceil(message.length / 64), 40, message.length - 1]) {
      const records = inRecords(message, size);
      expect(serverNameOf(records), String(size)).toBe('Ns1.example.test');
      expect(serverNameOf(records.subarray(0, -1)), String(size)).toBeUndefined();
    }
  });

  it('is not looked for in a huge number of records, or of octets', () => {
    const message = named.subarray(HEADER);
    expect(serverNameOf(inRecords(message, Math.floor(message.length / 65)))).toBe('');
    expect(serverNameOf(inRecords(message, 1).subarray(0, 64 * 6))).toBe('');
    expect(serverNameOf(inRecords(message, 1).subarray(0, 64 * 6 - 1))).toBeUndefined();
    const hello = (length: number): Buffer => Buffer.of(22, 3, 1, 0, 4, 1, 0, length >> 8, length & 0xff);
    expect(serverNameOf(hello(16_380))).toBeUndefined();
    expect(serverNameOf(hello(16_381))).toBe('');
  });

  it.each([
    ['no TLS', '47'],
    ['an alert', '15030100020228'],
    ['an empty record', '1603010000'],
    ['a record that is too long', '1603014001'],
    ['another handshake message', '16030100040200000a'],
    ['a ClientHello that is too long', '160301000401010001'],
    ['a ClientHello of nothing', '160301000401000000'],
  ])('is empty for %s, which the TLS engine will refuse', (_, octets) => {
    expect(serverNameOf(Buffer.from(octets, 'hex'))).toBe('');
  });

  it('is text or unknown, whatever octets come', () => {
    const random = randomFrom(SEED);
    for (let round = 0; round < 3000; round++) {
      const octets = Buffer.from(round % 2 === 0 ? named : unnamed);
      for (let change = 0; change < 3; change++) {
        octets[Math.floor(random() * octets.length)] = Math.floor(random() * 256);
      }
      expect(['string', 'undefined']).toContain(typeof serverNameOf(octets));
    }
  });
});
