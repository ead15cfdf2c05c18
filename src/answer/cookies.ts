/**
 * DNS cookies (RFC 7873) in the interoperable form of RFC 9018: a server cookie of version 1 is version, three reserved
 * octets, a timestamp and SipHash-2-4 over client cookie, these and the client's address. Hot file: no allocation.
 */
import type { Exchange } from './exchange.js';
import type { Facts } from './facts.js';
import { sipHash24 } from './siphash.js';

/** Octets of a client cookie, and of a server cookie of version 1. */
export const CLIENT_COOKIE = 8;
export const SERVER_COOKIE = 16;

/** Seconds for which a server cookie is accepted, and how far ahead its clock may be (RFC 9018 §4.3). */
const MAX_AGE = 3600;
const MAX_AHEAD = 300;

const HASHED = CLIENT_COOKIE + 8;
const input = new Uint8Array(HASHED + 16);
const hash = new Uint8Array(8);

/** Sets `x.cookieValid` to 1 when the request has a server cookie that this server made and that has not expired. */
export function checkCookie(x: Exchange, facts: Facts): void {
  const { request, cookieAt, settings } = x;
  if (x.cookieLength !== CLIENT_COOKIE + SERVER_COOKIE) return;
  for (let i = 0; i < HASHED; i++) input[i] = request[cookieAt + i]!;
  if (input[CLIENT_COOKIE] !== 1) return;
  const at = CLIENT_COOKIE + 4;
  const stamp = (input[at]! << 24) | (input[at + 1]! << 16) | (input[at + 2]! << 8) | input[at + 3]!;
  // Serial number arithmetic (RFC 1982): the timestamp has 32 bits.
  const age = (facts.now - stamp) | 0;
  if (age > MAX_AGE || age < -MAX_AHEAD) return;
  for (let s = 0; s < settings.cookieSecrets.length; s++) {
    sign(settings.cookieSecrets[s]!, facts);
    let difference = 0;
    for (let i = 0; i < 8; i++) difference |= hash[i]! ^ request[cookieAt + HASHED + i]!;
    if (difference === 0) {
      x.cookieValid = 1;
      x.outcome.cookie = 1;
      return;
    }
  }
}

/** Writes the client cookie and a fresh server cookie, CLIENT_COOKIE + SERVER_COOKIE octets, to `out` at `at`. */
export function writeCookie(x: Exchange, facts: Facts, out: Uint8Array, at: number): void {
  for (let i = 0; i < CLIENT_COOKIE; i++) input[i] = x.request[x.cookieAt + i]!;
  const now = facts.now;
  input[8] = 1;
  input[9] = input[10] = input[11] = 0;
  input[12] = (now >>> 24) & 0xff;
  input[13] = (now >>> 16) & 0xff;
  input[14] = (now >>> 8) & 0xff;
  input[15] = now & 0xff;
  sign(x.settings.cookieSecrets[0]!, facts);
  for (let i = 0; i < HASHED; i++) out[at + i] = input[i]!;
  for (let i = 0; i < 8; i++) out[at + HASHED + i] = hash[i]!;
}

function sign(secret: Uint8Array, facts: Facts): void {
  for (let i = 0; i < facts.clientLength; i++) input[HASHED + i] = facts.client[i]!;
  sipHash24(secret, input, HASHED + facts.clientLength, hash, 0);
}
