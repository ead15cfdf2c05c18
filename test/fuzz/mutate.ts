/** Messages by chance: octets of no sense, and well-formed queries with some octets changed. */
import type { Chance } from '../reference/generate.js';
import { NOW } from '../support/engine.js';
import { buildQuery } from '../support/message.js';
import { signQuery, type TestKey } from '../support/tsig.js';

const NAMES = [
  'nsec.test.',
  'www.nsec.test.',
  'no.dn.nsec.test.',
  'a.x.wild.nsec.test.',
  'any.wmiss.nsec3.test.',
] as const;
const MORE = [
  'x.sub.nsec3.test.',
  'x.foreign.optout.test.',
  'c1.plain.test.',
  'tobig.plain.test.',
  'version.bind.',
  '.',
] as const;
const TYPES = [1, 2, 5, 6, 15, 16, 39, 41, 43, 46, 47, 48, 50, 128, 249, 250, 251, 252, 255, 65_280] as const;
const CLASSES = [1, 1, 1, 1, 1, 3, 255] as const;
const OPTIONS = [3, 8, 9, 10, 11, 12, 15, 18, 19, 65_001] as const;
/** Octets: longer than any query that a server has to look at. */
const MAX_NOISE = 600;

const noise = (chance: Chance, length: number): Uint8Array => Uint8Array.from({ length }, () => chance.below(256));

/** A well-formed query, of every kind that the responder knows. */
function query(chance: Chance): Uint8Array {
  const options = Array.from({ length: chance.below(3) }, () => ({
    code: chance.of(OPTIONS),
    data: noise(chance, chance.of([0, 0, 2, 8, 8, 16, 24, 40])),
  }));
  const edns = {
    udpSize: chance.below(2000),
    dnssecOk: chance.percent(60),
    version: chance.percent(5) ? 1 : 0,
    options,
  };
  return buildQuery({
    name: chance.percent(50) ? chance.of(NAMES) : chance.of(MORE),
    type: chance.of(TYPES),
    class: chance.of(CLASSES),
    opcode: chance.percent(5) ? chance.below(16) : 0,
    rd: chance.percent(50),
    ...(chance.percent(70) ? { edns } : {}),
  });
}

/** The key that the responder knows. */
export const KEY: TestKey = {
  name: 'k.',
  algorithm: 'hmac-sha256',
  secret: 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=',
};

/** A message signed rightly or wrongly, of which some octets are changed now and then. */
function signed(chance: Chance, message: Uint8Array): Uint8Array {
  const name = chance.percent(10)
    ? `${'a'.repeat(1 + chance.below(63))}.`.repeat(3)
    : chance.of(['k.', 'K.', 'other.']);
  const { message: whole } = signQuery(
    message,
    { ...KEY, name },
    {
      time: NOW + chance.of([0, 0, 0, 299, -301]),
      fudge: chance.of([300, 300, 0, 65_535]),
      macOctets: chance.of([32, 32, 32, 31, 16, 15, 0]),
      isForged: false,
    },
  );
  if (chance.percent(30)) whole[message.length + chance.below(whole.length - message.length)] = chance.below(256);
  return whole;
}

/** The next message: every tenth is noise, every tenth a whole query, every tenth a signed one, the others are queries with changes. */
export function someMessage(chance: Chance): Uint8Array {
  const kind = chance.below(10);
  if (kind === 0) return noise(chance, chance.below(MAX_NOISE));
  let message = query(chance);
  if (kind === 1) return message;
  if (kind === 2) return signed(chance, message);
  for (let i = 1 + chance.below(4); i > 0; i--) {
    const at = chance.below(message.length + 1);
    const how = chance.below(6);
    if (how < 2) message[at] = chance.below(256);
    else if (how === 2) message[at] = (message[at] ?? 0) ^ (1 << chance.below(8));
    else if (how === 3) message = message.slice(0, at);
    else if (how === 4)
      message = Uint8Array.from([...message.subarray(0, at), 0xc0, chance.below(64), ...message.subarray(at)]);
    else message = Uint8Array.from([...message, ...message.subarray(at)]);
  }
  // Most messages are to get past the first look at the header.
  if (message.length > 2 && chance.percent(80)) message[2] = (message[2] ?? 0) & 0x07;
  return message;
}
