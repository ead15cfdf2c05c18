/** The host identity of HIP (RFC 8005 §5): algorithm, identity tag, public key, and rendezvous servers. */
import { nameLength, nameToText } from '../name.js';
import { readU16, writeU16 } from '../octets.js';
import { printBase64, scanBase64, scanHex } from './binary.js';
import { type Codec, needToken, nextToken } from './codec.js';
import { u8 } from './integers.js';
import { checkName, scanName } from './names.js';

/** Octets before the tag: its length, the algorithm, and the length of the key. */
const HEADER = 4;

export const hostIdentity: Codec = {
  expected: `a public key algorithm: ${u8.expected}`,
  manyTokens: true,
  scan(tokens, origin, out, at, start) {
    needToken(tokens, hostIdentity.expected);
    u8.scan(tokens, origin, out, at + 1, start);
    nextToken(tokens, 'a host identity tag in hexadecimal');
    const key = scanHex(tokens, out, at + HEADER, false);
    const tagLength = key - at - HEADER;
    if (tagLength === 0 || tagLength > 255) tokens.fail(`found a tag of ${tagLength} octets, expected 1 to 255`);
    nextToken(tokens, 'a public key in base64');
    let to = scanBase64(tokens, out, key, false);
    const keyLength = to - key;
    if (keyLength === 0 || keyLength > 65_535) tokens.fail(`found a key of ${keyLength} octets, expected 1 to 65535`);
    out[at] = tagLength;
    writeU16(out, at + 2, keyLength);
    while (tokens.next()) to = scanName(tokens, origin, out, to);
    return to;
  },
  check(wire, at, end) {
    if (at + HEADER > end || wire[at] === 0 || readU16(wire, at + 2) === 0) return -1;
    let to = at + HEADER + wire[at]! + readU16(wire, at + 2);
    while (to >= 0 && to < end) to = checkName(wire, to, end);
    return to > end ? -1 : to;
  },
  print(rdata, at, end) {
    const key = at + HEADER + rdata[at]!;
    const names = key + readU16(rdata, at + 2);
    const tag = Buffer.from(rdata.subarray(at + HEADER, key))
      .toString('hex')
      .toUpperCase();
    const parts = [String(rdata[at + 1]), tag, printBase64(rdata, key, names)];
    for (let i = names; i < end; i += nameLength(rdata, i)) parts.push(nameToText(rdata, i));
    return parts.join(' ');
  },
};
