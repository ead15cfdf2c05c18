/**
 * The hash of NSEC3 owner names (RFC 5155 §5): SHA-1 (FIPS 180-4 §6.1), iterated with a salt. node:crypto has it too, but
 * allocates several objects per call. Hot file: integers in preallocated arrays, no allocation.
 */

/** Octets of a hash. SHA-1 is the only algorithm (RFC 5155 §11). */
export const NSEC3_HASH_OCTETS = 20;

const BLOCK = 64;
/** Octets for data in the last block of a message: 0x80 and the length in bits follow them. */
const LAST_BLOCK = BLOCK - 9;
/** A name of 255 octets and a salt of 255, padded. */
const message = new Uint8Array(Math.ceil((255 + 255 + 9) / BLOCK) * BLOCK);
const schedule = new Int32Array(80);
const state = new Int32Array(5);

/**
 * Writes the hash of name[at … at + length) at out[outAt…]: 20 octets. The name is in wire format and lower case. The salt
 * is salt[saltAt … saltAt + saltLength), at most 255 octets. `iterations` are additional ones: with 0 the name is hashed
 * once.
 */
export function nsec3Hash(
  name: Uint8Array,
  at: number,
  length: number,
  salt: Uint8Array,
  saltAt: number,
  saltLength: number,
  iterations: number,
  out: Uint8Array,
  outAt: number,
): void {
  for (let i = 0; i < length; i++) message[i] = name[at + i]!;
  for (let i = 0; i < saltLength; i++) message[length + i] = salt[saltAt + i]!;
  hashMessage(length + saltLength);
  if (iterations > 0) iterate(salt, saltAt, saltLength, iterations);
  for (let i = 0; i < 5; i++) {
    const word = state[i]!;
    out[outAt + i * 4] = word >>> 24;
    out[outAt + i * 4 + 1] = word >>> 16;
    out[outAt + i * 4 + 2] = word >>> 8;
    out[outAt + i * 4 + 3] = word;
  }
}

/** Replaces the hash in `state` by that of itself and the salt, `iterations` times. */
function iterate(salt: Uint8Array, saltAt: number, saltLength: number, iterations: number): void {
  const length = NSEC3_HASH_OCTETS + saltLength;
  for (let i = 0; i < saltLength; i++) message[NSEC3_HASH_OCTETS + i] = salt[saltAt + i]!;
  if (length > LAST_BLOCK) {
    for (let i = 0; i < iterations; i++) {
      for (let k = 0; k < 5; k++) writeWord(k * 4, state[k]!);
      hashMessage(length);
    }
    return;
  }
  // In a single block only the first five words change from one iteration to the next.
  pad(length);
  for (let k = 5; k < 16; k++) schedule[k] = readWord(k * 4);
  for (let i = 0; i < iterations; i++) {
    for (let k = 0; k < 5; k++) schedule[k] = state[k]!;
    reset();
    compress();
  }
}

/** SHA-1 of message[0 … length), into `state`. */
function hashMessage(length: number): void {
  const end = pad(length);
  reset();
  for (let block = 0; block < end; block += BLOCK) {
    for (let k = 0; k < 16; k++) schedule[k] = readWord(block + k * 4);
    compress();
  }
}

/** Pads the message of `length` octets (FIPS 180-4 §5.1.1) and returns its padded length. */
function pad(length: number): number {
  const end = length + 9 + ((BLOCK - ((length + 9) % BLOCK)) % BLOCK);
  message[length] = 0x80;
  message.fill(0, length + 1, end - 4);
  writeWord(end - 4, length * 8);
  return end;
}

function readWord(at: number): number {
  return (message[at]! << 24) | (message[at + 1]! << 16) | (message[at + 2]! << 8) | message[at + 3]!;
}

function writeWord(at: number, word: number): void {
  message[at] = word >>> 24;
  message[at + 1] = word >>> 16;
  message[at + 2] = word >>> 8;
  message[at + 3] = word;
}

function reset(): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89 | 0;
  state[2] = 0x98badcfe | 0;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0 | 0;
}

/** Works the block in schedule[0 … 16) into `state` (FIPS 180-4 §6.1.2). */
function compress(): void {
  const w = schedule;
  for (let t = 16; t < 80; t++) {
    const x = w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!;
    w[t] = (x << 1) | (x >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let t = 0;
  for (; t < 20; t++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + w[t]! + 0x5a827999) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; t < 40; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[t]! + 0x6ed9eba1) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; t < 60; t++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + w[t]! + 0x8f1bbcdc) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; t < 80; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[t]! + 0xca62c1d6) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
  state[4] = (state[4]! + e) | 0;
}
