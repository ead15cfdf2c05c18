import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nameFromText } from '../../../src/protocol/name.js';
import { signatureLength, signMessage, TsigVerdict, verifyTsig } from '../../../src/protocol/tsig/tsig.js';
import { leastMac, TSIG_ALGORITHMS, type TsigKey } from '../../../src/protocol/tsig/tsig-key.js';
import { findTsig, readTsig, type TsigRecord, tsigLength, writeTsig } from '../../../src/protocol/tsig/tsig-record.js';
import { StreamSigner, StreamVerifier } from '../../../src/protocol/tsig/tsig-stream.js';
import { buildQuery } from '../../support/message.js';
import { readResponse, signQuery } from '../../support/tsig.js';
import { randomFrom } from '../../zone/random-zone.js';

/** Messages that dnspython 2.8.0 has signed: a request, an answer of one message, and one of three. */
interface Vector {
  readonly name: string;
  readonly algorithm: string;
  readonly secret: string;
  readonly time: number;
  readonly request: string;
  readonly response: string;
  readonly stream: readonly string[];
}

const vectors: Vector[] = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));
const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

function keyOf(
  { name, algorithm, secret }: Pick<Vector, 'name' | 'algorithm' | 'secret'>,
  macOctets?: number,
): TsigKey {
  const row = TSIG_ALGORITHMS.find((one) => one.name === algorithm)!;
  const octetsOfSecret = Uint8Array.from(Buffer.from(secret, 'base64'));
  return { name: nameFromText(name), algorithm: row, secret: octetsOfSecret, macOctets: macOctets ?? row.octets };
}

function recordOf(message: Uint8Array): TsigRecord {
  const record = readTsig(message, findTsig(message));
  if (record === undefined) throw new Error('no TSIG record');
  return record;
}

/** A message without its TSIG record. */
function unsigned(message: Uint8Array): Uint8Array {
  const bare = message.slice(0, findTsig(message));
  bare[11]!--;
  return bare;
}

describe('messages that dnspython has signed', () => {
  it.each(vectors)('are verified, and signed to the same octets: $algorithm', (vector) => {
    const key = keyOf(vector);
    const [request, response] = [octets(vector.request), octets(vector.response)];
    const mac = recordOf(request).mac;
    expect(verifyTsig(key, recordOf(request), request, vector.time)).toBe(TsigVerdict.VALID);
    expect(verifyTsig(key, recordOf(response), response, vector.time, mac)).toBe(TsigVerdict.VALID);
    expect(verifyTsig(key, recordOf(response), response, vector.time)).toBe(TsigVerdict.BADSIG);
    for (const [message, prior] of [
      [request, undefined],
      [response, mac],
    ] as const) {
      const out = new Uint8Array(65_535);
      const bare = unsigned(message);
      out.set(bare);
      const { end } = signMessage(key, out, 0, bare.length, { time: vector.time, ...(prior ? { prior } : {}) });
      expect(end - bare.length).toBe(signatureLength(key));
      expect(Buffer.from(out.subarray(0, end)).toString('hex').toLowerCase()).toBe(
        Buffer.from(lowered(message)).toString('hex'),
      );
    }
  });

  it.each(vectors)('are verified and signed as streams: $algorithm', (vector) => {
    const key = keyOf(vector);
    const mac = recordOf(octets(vector.request)).mac;
    const verifier = new StreamVerifier(key, mac);
    const signer = new StreamSigner(key, mac);
    for (const [i, hex] of vector.stream.entries()) {
      const message = octets(hex);
      expect(verifier.verify(message, vector.time)).toBe(TsigVerdict.VALID);
      expect(verifier.isSigned).toBe(true);
      const bare = unsigned(message);
      const out = new Uint8Array(65_535);
      out.set(bare);
      const end = signer.sign(out, 0, bare.length, vector.time + i);
      expect(Buffer.from(out.subarray(0, end)).toString('hex')).toBe(Buffer.from(lowered(message)).toString('hex'));
    }
  });
});

/** The message with the TSIG record's names in lower case, as RFC 8945 §4.3.3 has them digested and we send them. */
function lowered(message: Uint8Array): Uint8Array {
  const at = findTsig(message);
  const { at: _, ...record } = recordOf(message);
  const out = new Uint8Array(at + tsigLength(record));
  out.set(message.subarray(0, at));
  writeTsig(record, out, at);
  return out;
}

const KEY = { name: 'key.example.', algorithm: 'hmac-sha256', secret: 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=' };
const NOW = 1_795_219_200;
const QUERY = buildQuery({ name: 'www.example.', id: 4711 });

describe('a request is judged', () => {
  const judged = (options: Partial<Parameters<typeof signQuery>[2]> = {}, key = keyOf(KEY)): TsigVerdict => {
    const { message } = signQuery(QUERY, KEY, { time: NOW, ...options });
    return verifyTsig(key, recordOf(message), message, NOW);
  };

  it('by its key first, then its MAC, its time, and the length of its MAC (RFC 8945 §5.2)', () => {
    const strict = keyOf(KEY);
    const other = { ...strict, algorithm: TSIG_ALGORITHMS[4]! };
    expect(judged()).toBe(TsigVerdict.VALID);
    expect(judged({ isForged: true, time: 1, macOctets: 16 }, other)).toBe(TsigVerdict.BADKEY);
    expect(judged({ isForged: true, time: 1, macOctets: 16 })).toBe(TsigVerdict.BADSIG);
    expect(judged({ time: 1, macOctets: 16 })).toBe(TsigVerdict.BADTIME);
    expect(judged({ macOctets: 16 })).toBe(TsigVerdict.BADTRUNC);
    const { message } = signQuery(QUERY, KEY, { time: NOW });
    expect(verifyTsig(undefined, recordOf(message), message, NOW)).toBe(TsigVerdict.BADKEY);
  });

  it.each([
    [-301, TsigVerdict.BADTIME],
    [-300, TsigVerdict.VALID],
    [300, TsigVerdict.VALID],
    [301, TsigVerdict.BADTIME],
  ])('by its time, which may be wrong by the fudge: %d s', (skew, verdict) => {
    expect(judged({ time: NOW + skew })).toBe(verdict);
  });

  it('by the length of its MAC: from that of the key up, and never below half of the whole and 10 octets', () => {
    const key = keyOf(KEY, 20);
    for (let macOctets = 0; macOctets <= 32; macOctets++) {
      const expected =
        macOctets < 16 ? TsigVerdict.MALFORMED : macOctets < 20 ? TsigVerdict.BADTRUNC : TsigVerdict.VALID;
      expect(judged({ macOctets }, key), `${macOctets} octets`).toBe(expected);
    }
    expect(TSIG_ALGORITHMS.map(leastMac)).toEqual([10, 14, 16, 24, 32]);
  });

  it('under the ID that it was signed with: something between may have changed the other', () => {
    expect(judged({ originalId: 99 })).toBe(TsigVerdict.VALID);
  });

  it('in a Buffer too, which stays as it was, and whose octets may be used again', () => {
    const { message } = signQuery(QUERY, KEY, { time: NOW, originalId: 99 });
    const buffer = Buffer.from(message);
    const record = recordOf(buffer);
    expect(verifyTsig(keyOf(KEY), record, buffer, NOW)).toBe(TsigVerdict.VALID);
    expect(buffer.equals(message)).toBe(true);
    const { mac } = recordOf(message);
    buffer.fill(0);
    expect(Buffer.compare(record.mac, mac)).toBe(0);
  });

  it('octet by octet: whichever is changed, it is not valid', () => {
    const key = keyOf(KEY);
    const { message } = signQuery(QUERY, KEY, { time: NOW });
    const end = findTsig(message);
    for (let at = 2; at < message.length; at++) {
      const changed = message.slice();
      changed[at]! ^= 0x01;
      const found = findTsig(changed);
      const record = found > 0 ? readTsig(changed, found) : undefined;
      if (record === undefined) continue;
      // Names in a key's record are compared without case, and nothing else has two spellings.
      const known = Buffer.compare(record.name, key.name) === 0 ? key : undefined;
      expect(verifyTsig(known, record, changed, NOW), `octet ${at} of ${end}`).not.toBe(TsigVerdict.VALID);
    }
  });
});

describe('an answer of several messages', () => {
  const key = keyOf(KEY);
  const { mac } = signQuery(QUERY, KEY, { time: NOW });
  const bare = (id: number): Uint8Array => Uint8Array.from(buildQuery({ name: `m${id}.example.`, id: 4711 }));
  /** Messages 0 … count - 1, of which those that `isSigned` says are signed. */
  const stream = (count: number, isSigned: (i: number) => boolean): Uint8Array[] => {
    let prior: Uint8Array = mac;
    let between: Uint8Array[] = [];
    return Array.from({ length: count }, (_, i) => {
      const message = bare(i);
      if (!isSigned(i)) {
        between.push(message);
        return message;
      }
      const out = new Uint8Array(512);
      out.set(message);
      const signed = signMessage(key, out, 0, message.length, { time: NOW, prior, between, timersOnly: i > 0 });
      prior = signed.mac;
      between = [];
      return out.slice(0, signed.end);
    });
  };
  const verdicts = (messages: readonly Uint8Array[]): { all: TsigVerdict[]; isSigned: boolean } => {
    const verifier = new StreamVerifier(key, mac);
    // One buffer for all, as a socket may have.
    const all = messages.map((message) => {
      const buffer = Buffer.from(message);
      const verdict = verifier.verify(buffer, NOW);
      buffer.fill(0);
      return verdict;
    });
    return { all, isSigned: verifier.isSigned };
  };

  it('may have up to 99 unsigned ones between two signed ones (RFC 8945 §5.3.1)', () => {
    const every = (n: number) => stream(201, (i) => i % n === 0);
    expect(new Set(verdicts(every(100)).all)).toEqual(new Set([TsigVerdict.VALID]));
    expect(verdicts(every(100)).isSigned).toBe(true);
    expect(verdicts(every(101)).all.indexOf(TsigVerdict.BADSIG)).toBe(100);
  });

  it('has to begin and end with a signed one', () => {
    expect(verdicts(stream(2, (i) => i > 0)).all[0]).toBe(TsigVerdict.BADSIG);
    expect(verdicts(stream(3, (i) => i < 2)).isSigned).toBe(false);
    expect(verdicts([]).isSigned).toBe(false);
  });

  it.each(['swapped', 'left out', 'repeated', 'changed', 'of another stream'])(
    'is not valid with a message %s',
    (what) => {
      const messages = stream(6, (i) => i % 2 === 0);
      const [a, b] = [messages[2]!, messages[3]!];
      if (what === 'swapped') messages.splice(2, 2, b, a);
      if (what === 'left out') messages.splice(3, 1);
      if (what === 'repeated') messages.splice(2, 0, a);
      if (what === 'changed') b[20]! ^= 1;
      if (what === 'of another stream') messages.splice(4, 1, stream(5, () => true)[4]!);
      expect(verdicts(messages).all).toContain(TsigVerdict.BADSIG);
    },
  );

  it('is told what the server could not accept', () => {
    const out = new Uint8Array(512);
    out.set(bare(0));
    const { end } = signMessage(key, out, 0, bare(0).length, {
      time: NOW,
      prior: mac,
      error: 18,
      other: new Uint8Array(6),
    });
    expect(verdicts([out.slice(0, end)]).all).toEqual([TsigVerdict.BADTIME]);
  });
});

describe('the TSIG record', () => {
  it('is found at the end of the additional section only', () => {
    const { message } = signQuery(QUERY, KEY, { time: NOW });
    expect(findTsig(message)).toBe(QUERY.length);
    expect(findTsig(QUERY)).toBe(0);
    expect(findTsig(QUERY.subarray(0, 11))).toBe(-1);
    const answer = message.slice();
    [answer[7], answer[11]] = [1, 0];
    expect(findTsig(answer)).toBe(-1);
    const twice = Uint8Array.from([...message, ...message.subarray(QUERY.length)]);
    twice[11] = 2;
    expect(findTsig(twice)).toBe(-1);
    expect(findTsig(Uint8Array.from([...message, 0]))).toBe(-1);
  });

  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'is read or refused, whatever octets there are: seed %d',
    (seed) => {
      const random = randomFrom(seed);
      const { message } = signQuery(QUERY, KEY, { time: NOW });
      for (let turn = 0; turn < 500; turn++) {
        const mutated = message.slice(0, random() < 0.2 ? Math.floor(random() * message.length) : message.length);
        for (let i = Math.floor(random() * 4); i > 0 && mutated.length > 0; i--)
          mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256);
        const at = findTsig(mutated);
        expect(at).toBeLessThanOrEqual(mutated.length);
        const record = at > 0 ? readTsig(mutated, at) : undefined;
        if (record) verifyTsig(keyOf(KEY), record, mutated, NOW);
      }
    },
  );

  it('of our own signature is valid for a reader that shares no code with it', () => {
    const out = new Uint8Array(512);
    out.set(QUERY);
    const { mac: prior } = signQuery(QUERY, KEY, { time: NOW });
    const { end } = signMessage(keyOf(KEY), out, 0, QUERY.length, { time: NOW, prior });
    expect(readResponse(out.subarray(0, end), KEY, prior)).toEqual({
      error: 0,
      time: NOW,
      macOctets: 32,
      other: '',
      isValid: true,
    });
  });
});
