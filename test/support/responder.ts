import { createOutcome, type Facts, Kind } from '../../src/answer/facts.js';
import type { Responder } from '../../src/answer/respond.js';

/**
 * A responder for tests of sessions and transports: answers a message with itself, the QR bit set, repeated as many times
 * as its twelfth octet says (at least once). Drops responses, and messages shorter than a header, as the real one does.
 */
export function echoResponder(): Responder & { readonly seen: Facts[] } {
  const outcome = createOutcome();
  const seen: Facts[] = [];
  return {
    outcome,
    seen,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      seen.push({ ...facts, client: facts.client.slice(0, facts.clientLength) });
      outcome.kind = Kind.DROPPED;
      if (inLen < 12 || (inBuf[inOff + 2]! & 0x80) !== 0) return 0;
      outcome.kind = Kind.ANSWER;
      const message = inBuf.subarray(inOff, inOff + inLen);
      let length = 0;
      for (let i = 0; i < Math.max(1, message[11]!) && length + inLen <= outCap; i++, length += inLen) {
        outBuf.set(message, outOff + length);
      }
      outBuf[outOff + 2]! |= 0x80;
      return length;
    },
  };
}

/** A message that echoResponder answers: `id`, then as many octets as wanted; `repeat` times in the answer. */
export function message(id: number, length = 20, repeat = 1): Buffer {
  const octets = Buffer.alloc(length, 0x61);
  octets.fill(0, 0, Math.min(12, length));
  octets.writeUInt16BE(id, 0);
  octets[11] = repeat;
  return octets;
}

/** Messages as they stand on a stream (RFC 1035 §4.2.2). */
export function framed(...messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(messages.flatMap((m) => [Buffer.of(m.length >> 8, m.length & 0xff), m]));
}

/** The messages of a whole stream. */
export function unframed(stream: Uint8Array): Buffer[] {
  const octets = Buffer.from(stream);
  const messages: Buffer[] = [];
  let at = 0;
  for (; at + 2 <= octets.length; at += 2 + octets.readUInt16BE(at)) {
    messages.push(octets.subarray(at + 2, at + 2 + octets.readUInt16BE(at)));
  }
  if (at !== octets.length) throw new Error(`the stream ends in the middle of a message: ${at} of ${octets.length}`);
  return messages;
}
