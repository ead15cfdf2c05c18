/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) with a 64-bit result, on pairs of 32-bit words, since 64-bit integers would
 * be BigInts and allocate. Hot file: integers, no allocation.
 */

/** State: v0 … v3, each as low word, high word. */
const v = new Int32Array(8);

function addTo(a: number, b: number): void {
  const low = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a] = low | 0;
  v[a + 1] = (v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0)) | 0;
}

function rotateXor(a: number, bits: number, b: number): void {
  const low = v[a]!;
  const high = v[a + 1]!;
  v[a] = ((low << bits) | (high >>> (32 - bits))) ^ v[b]!;
  v[a + 1] = ((high << bits) | (low >>> (32 - bits))) ^ v[b + 1]!;
}

function swap(a: number): void {
  const low = v[a]!;
  v[a] = v[a + 1]!;
  v[a + 1] = low;
}

function round(): void {
  addTo(0, 2);
  rotateXor(2, 13, 0);
  swap(0);
  addTo(4, 6);
  rotateXor(6, 16, 4);
  addTo(0, 6);
  rotateXor(6, 21, 0);
  addTo(4, 2);
  rotateXor(2, 17, 4);
  swap(4);
}

function word(octets: Uint8Array, at: number): number {
  return octets[at]! | (octets[at + 1]! << 8) | (octets[at + 2]! << 16) | (octets[at + 3]! << 24);
}

function absorb(low: number, high: number): void {
  v[6]! ^= low;
  v[7]! ^= high;
  round();
  round();
  v[0]! ^= low;
  v[1]! ^= high;
}

/** Hashes `length` octets at `data[0]` with a key of 16 octets; writes the 8 octets of the result to `out[outAt]`. */
export function sipHash24(key: Uint8Array, data: Uint8Array, length: number, out: Uint8Array, outAt: number): void {
  const k0 = word(key, 0);
  const k1 = word(key, 4);
  const k2 = word(key, 8);
  const k3 = word(key, 12);
  v[0] = k0 ^ 0x70736575;
  v[1] = k1 ^ 0x736f6d65;
  v[2] = k2 ^ 0x6e646f6d;
  v[3] = k3 ^ 0x646f7261;
  v[4] = k0 ^ 0x6e657261;
  v[5] = k1 ^ 0x6c796765;
  v[6] = k2 ^ 0x79746573;
  v[7] = k3 ^ 0x74656462;
  let at = 0;
  for (; at + 8 <= length; at += 8) absorb(word(data, at), word(data, at + 4));
  let low = 0;
  let high = length << 24;
  for (let i = at; i < length; i++) {
    if (i - at < 4) low |= data[i]! << ((i - at) * 8);
    else high |= data[i]! << ((i - at - 4) * 8);
  }
  absorb(low, high);
  v[4]! ^= 0xff;
  round();
  round();
  round();
  round();
  low = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
  high = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
  for (let i = 0; i < 4; i++) {
    out[outAt + i] = (low >>> (i * 8)) & 0xff;
    out[outAt + 4 + i] = (high >>> (i * 8)) & 0xff;
  }
}
