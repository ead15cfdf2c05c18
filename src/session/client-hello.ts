/**
 * Telling a TLS ClientHello from a DNS message on one stream (docs/protocol.md "Step 4: what follows"). Both may begin
 * with 16 03: 5,635 is a legal length of a DNS message, whose octets 3 to 5 would be its ID and the first half of its flags.
 * Octet 6 tells them apart: 1 is a ClientHello's type.
 */

/** The kinds of octets behind an offered upgrade. */
export const Opening = {
  /** Too few to tell; so far they fit a ClientHello. */
  UNDECIDED: 0,
  CLIENT_HELLO: 1,
  PLAINTEXT: 2,
} as const;
export type Opening = (typeof Opening)[keyof typeof Opening];

/** Octets that decide: the header of a TLS record (RFC 8446 §5.1) and the type of the handshake message in it. */
const DECIDING = 6;

const HANDSHAKE = 22;
const MAJOR = 3;
const HIGHEST_MINOR = 4;
const CLIENT_HELLO = 1;
/** A handshake message has four octets of header, a record at most 2^14 octets. */
const SHORTEST = 4;
const LONGEST = 16_384;

/** Judges the `length` octets at `octets[at]`. */
export function judgeOpening(octets: Uint8Array, at: number, length: number): Opening {
  if (length > 0 && octets[at] !== HANDSHAKE) return Opening.PLAINTEXT;
  if (length > 1 && octets[at + 1] !== MAJOR) return Opening.PLAINTEXT;
  if (length > 2 && octets[at + 2]! > HIGHEST_MINOR) return Opening.PLAINTEXT;
  // The longest record has 0x4000 octets, so the first octet of the length rules out most longer ones.
  if (length > 3 && octets[at + 3]! > LONGEST >> 8) return Opening.PLAINTEXT;
  if (length > 4) {
    const size = (octets[at + 3]! << 8) | octets[at + 4]!;
    if (size < SHORTEST || size > LONGEST) return Opening.PLAINTEXT;
  }
  if (length < DECIDING) return Opening.UNDECIDED;
  return octets[at + 5] === CLIENT_HELLO ? Opening.CLIENT_HELLO : Opening.PLAINTEXT;
}
