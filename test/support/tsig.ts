/** TSIG (RFC 8945) of the tests' own: signs queries, also wrongly, and verifies responses. It shares no code with the server. */
import { createHmac } from 'node:crypto';
import { nameFromText } from './names.js';

export interface TestKey {
  /** In presentation format, absolute. */
  readonly name: string;
  /** Such as `hmac-sha256`. */
  readonly algorithm: string;
  /** In base64. */
  readonly secret: string;
}

export interface SignOptions {
  /** Seconds since 1970. */
  readonly time: number;
  readonly fudge?: number;
  /** Octets of the MAC; default all. */
  readonly macOctets?: number;
  /** Changes the last octet of the MAC. */
  readonly isForged?: boolean;
  readonly originalId?: number;
}

export interface Signed {
  readonly message: Uint8Array;
  readonly mac: Buffer;
}

const u16 = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]));
const time48 = (time: number): Buffer => u16(Math.floor(time / 2 ** 32), (time / 65_536) & 0xffff, time & 0xffff);
const canonical = (name: string): Buffer => Buffer.from(nameFromText(name.toLowerCase()));

function hmac({ algorithm, secret }: TestKey, parts: readonly Uint8Array[]): Buffer {
  const hash = createHmac(algorithm.replace('hmac-', ''), Buffer.from(secret, 'base64'));
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The query with a TSIG record behind it. */
export function signQuery(query: Uint8Array, key: TestKey, options: SignOptions): Signed {
  const { time, fudge = 300, originalId } = options;
  const [name, algorithm] = [canonical(key.name), canonical(`${key.algorithm}.`)];
  const id = originalId ?? (query[0]! << 8) + query[1]!;
  const covered = Buffer.from(query);
  covered.writeUInt16BE(id, 0);
  const variables = [name, u16(255, 0, 0), algorithm, time48(time), u16(fudge, 0, 0)];
  const mac = hmac(key, [covered, ...variables]).subarray(0, options.macOctets);
  if (options.isForged) mac[mac.length - 1]! ^= 1;
  const rdata = Buffer.concat([algorithm, time48(time), u16(fudge, mac.length), mac, u16(id, 0, 0)]);
  const message = Buffer.concat([query, name, u16(250, 255, 0, 0, rdata.length), rdata]);
  message.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return { message: Uint8Array.from(message), mac: Buffer.from(mac) };
}

/** The MAC of a signed query, as signQuery() made it. */
export function macOf(query: Uint8Array, key: TestKey): Uint8Array {
  const octets = Buffer.from(query);
  const [name, algorithm] = [canonical(key.name), canonical(`${key.algorithm}.`)];
  const times = octets.lastIndexOf(Buffer.concat([name, u16(250, 255, 0, 0)])) + name.length + 10 + algorithm.length;
  return octets.subarray(times + 10, times + 10 + octets.readUInt16BE(times + 8));
}

/** What the TSIG record of a response says. */
export interface ResponseTsig {
  readonly error: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly macOctets: number;
  readonly other: string;
  /** Whether its MAC is that of the response to the signed query. */
  readonly isValid: boolean;
}

/** Reads the TSIG record at the end of a response, whose key and algorithm are those of `key`; undefined: there is none. */
export function readResponse(response: Uint8Array, key: TestKey, requestMac: Uint8Array): ResponseTsig | undefined {
  const octets = Buffer.from(response);
  const [name, algorithm] = [canonical(key.name), canonical(`${key.algorithm}.`)];
  const at = octets.lastIndexOf(Buffer.concat([name, u16(250, 255, 0, 0)]));
  if (at < 0) return undefined;
  const times = at + name.length + 10 + algorithm.length;
  const macOctets = octets.readUInt16BE(times + 8);
  const tail = times + 10 + macOctets;
  const mac = octets.subarray(times + 10, tail);
  const other = octets.subarray(tail + 6);
  const covered = Buffer.from(octets.subarray(0, at));
  covered.writeUInt16BE(octets.readUInt16BE(tail), 0);
  covered.writeUInt16BE(covered.readUInt16BE(10) - 1, 10);
  const variables = [
    name,
    u16(255, 0, 0),
    algorithm,
    octets.subarray(times, times + 8),
    octets.subarray(tail + 2, tail + 6),
    other,
  ];
  const prior = requestMac.length > 0 ? [u16(requestMac.length), requestMac] : [];
  const expected = hmac(key, [...prior, covered, ...variables]).subarray(0, macOctets);
  return {
    error: octets.readUInt16BE(tail + 2),
    time: octets.readUInt16BE(times) * 2 ** 32 + octets.readUInt32BE(times + 2),
    macOctets,
    other: other.toString('hex'),
    isValid: macOctets > 0 && expected.equals(mac),
  };
}
