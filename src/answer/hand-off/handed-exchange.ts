/**
 * The other side of a hand-off (respond.ts): reads a request that a thread has found sound, verifies its TSIG record, once, and
 * composes the response that the thread sends. An object for each request: these are few, and their handlers may wait.
 */
import { Rcode } from '../../protocol/iana.js';
import type { RequestTsig } from '../../protocol/tsig/tsig.js';
import type { TsigKey, TsigKeys } from '../../protocol/tsig/tsig-key.js';
import type { Settings } from '../answer-settings.js';
import { optLength, payloadLimit } from '../edns.js';
import { Exchange, HEADER } from '../exchange.js';
import type { Facts } from '../facts.js';
import { readQuestion, readRecords } from '../request.js';
import { countOf, finish, putQuestion } from '../response.js';
import { checkTsig } from '../tsig.js';
import type { HandedReply } from './handed-reply.js';
import type { HandedRequest } from './handed-request.js';

/** Octets of a response: header, question, OPT with every option, TSIG. */
const ROOM = 4096;
const NOTHING = new Uint8Array(0);
const TEXT = new TextEncoder();

export class HandedExchange {
  readonly opcode: number;
  /** RCODE for a fault of the request: NOTAUTH when its signature is not accepted. NOERROR when the request is sound. */
  readonly fault: number;
  /** The key that it was signed with; undefined: it was not. */
  readonly key: TsigKey | undefined;
  /** Its signature, if that is not accepted. */
  readonly unaccepted: RequestTsig | undefined;
  /** The name in its question, in wire format. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Where its records end: its TSIG record begins there. */
  readonly end: number;
  readonly #x: Exchange;
  readonly #facts: Facts;

  /** `keys`: those of the settings. `facts`: of the request; they belong to this exchange. */
  constructor({ octets }: HandedRequest, settings: Settings, keys: TsigKeys, facts: Facts) {
    const x = new Exchange(settings, undefined, keys);
    this.#x = x;
    this.#facts = facts;
    x.reset(octets, 0, octets.length, new Uint8Array(ROOM), 0, ROOM);
    this.opcode = (octets[2]! >> 3) & 15;
    x.outcome.opcode = this.opcode;
    x.at = HEADER;
    const at = octets.length < HEADER ? 0 : readQuestion(x);
    const wellFormed = at > 0 && readRecords(x, at, countOf(x, 6) + countOf(x, 8), countOf(x, 10));
    x.end = Math.min(x.end, payloadLimit(x, facts));
    x.limit = x.end - optLength(x, facts);
    this.name = octets.slice(x.qnameAt, x.qnameAt + x.qnameLength);
    this.type = x.qtype;
    this.class = x.qclass;
    this.end = x.tsigAt === 0 ? octets.length : x.tsigAt;
    if (at > 0) putQuestion(x);
    if (!wellFormed) x.tsigAt = 0;
    const rcode = x.tsigAt === 0 ? Rcode.NOERROR : checkTsig(x, facts);
    this.fault = wellFormed ? rcode : Rcode.FORMERR;
    this.unaccepted = this.fault === Rcode.NOTAUTH ? x.tsig : undefined;
    this.key = x.tsigAt !== 0 && this.fault === Rcode.NOERROR ? x.tsig?.key : undefined;
  }

  /** The response, signed if the request was. `ede`: extended DNS error code, with its text; -1: none. */
  reply(rcode: number, ede = -1, text = ''): HandedReply {
    const x = this.#x;
    x.rcode = rcode;
    x.outcome.ede = ede;
    x.edeText = text === '' ? NOTHING : TEXT.encode(text);
    const length = finish(x, this.#facts);
    return { octets: x.response.slice(0, length), rcode, ede, signed: this.key === undefined ? 0 : 1 };
  }
}
