/** The parts that all responses have in common: header, question, OPT, TSIG. Hot file: integers, no allocation. */
import { writeU16 } from '../protocol/octets.js';
import { putOpt } from './edns.js';
import type { Exchange } from './exchange.js';
import type { Facts } from './facts.js';
import { isStarttls } from './server-info.js';
import { putTsig } from './tsig.js';

const FLAG_QR = 0x80;
const FLAG_AA = 0x04;
const FLAG_TC = 0x02;
const FLAG_RD = 0x01;

/** A field of the request's header: its first octet is number `field`. */
export function countOf(x: Exchange, field: number): number {
  return (x.request[x.requestAt + field]! << 8) | x.request[x.requestAt + field + 1]!;
}

/** Repeats the question octet by octet, letter case too. */
export function putQuestion(x: Exchange): void {
  const { request, response, qnameAt } = x;
  const length = x.qnameLength + 4;
  for (let i = 0; i < length; i++) response[x.at + i] = request[qnameAt + i]!;
  x.at += length;
}

/** Writes OPT, the header and TSIG; returns the length of the response. The outcome must be final, but for the fields that are in `x`. */
export function finish(x: Exchange, facts: Facts): number {
  const { outcome, request, requestAt, response, start } = x;
  outcome.rcode = x.rcode;
  outcome.truncated = x.truncated;
  if (x.hasOpt === 1) putOpt(x, facts, x.qnameLength > 0 && isStarttls(x));
  response[start] = request[requestAt]!;
  response[start + 1] = request[requestAt + 1]!;
  const authoritative = x.authoritative === 1 ? FLAG_AA : 0;
  const truncated = x.truncated === 1 ? FLAG_TC : 0;
  response[start + 2] =
    FLAG_QR | (outcome.opcode << 3) | authoritative | truncated | (request[requestAt + 2]! & FLAG_RD);
  response[start + 3] = x.rcode & 15;
  writeU16(response, start + 4, x.qnameLength > 0 ? 1 : 0);
  writeU16(response, start + 6, x.answers);
  writeU16(response, start + 8, x.authorities);
  writeU16(response, start + 10, x.additionals);
  if (x.tsigAt !== 0) putTsig(x, facts);
  return x.at - start;
}
