/**
 * One query and its response in the making: the state that the steps of respond() share. A responder has one, used again
 * for every message. Hot file: integers and preallocated octets, no allocation per query.
 *
 * Offsets named `…At` count from the start of the buffer they are in; message offsets (`…Pointer`) from the start of the
 * response, as compression pointers do.
 */
import { MAX_LABELS, MAX_NAME } from '../protocol/name.js';
import type { RequestTsig } from '../protocol/tsig/tsig.js';
import { type TsigKeys, tsigKeys } from '../protocol/tsig/tsig-key.js';
import type { Settings } from './answer-settings.js';
import { createOutcome, type Outcome } from './facts.js';

/** Octets of a message header (RFC 1035 §4.1.1). */
export const HEADER = 12;
/** Most links of a CNAME and DNAME chain that are followed (docs/protocol.md "Ends of a chain"). */
export const MAX_CHAIN = 17;
/**
 * Most SVCB or HTTPS RRsets that a chain of aliases adds to one of them, itself counted. RFC 9460 §3 leaves the number open;
 * resolvers follow eight or more.
 */
export const MAX_SERVICES = 8;
/** Most names whose addresses are added to SVCB and HTTPS RRsets; a guess, more than fit into a datagram. */
export const MAX_SERVICE_TARGETS = 64;
/** Most proofs one response can ask for: three per link, and those of the end. */
export const MAX_PROOFS = MAX_CHAIN * 4 + 8;

const NOTHING = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);

/** The name that is looked up: QNAME first, then each target of the chain. Only its labels below the zone's apex. */
interface LookupName {
  /** Where the labels' octets are. */
  octets: Uint8Array;
  /** Offset in `octets` of each label's length octet, leftmost first. */
  readonly labelAt: Int32Array;
  /** Message offset of each label, for compression pointers to the name or a suffix of it. */
  readonly pointer: Int32Array;
  /** Number of labels below the apex. */
  count: number;
  /** Octets of these labels, without the apex. */
  length: number;
}

export class Exchange {
  readonly settings: Settings;
  readonly outcome: Outcome;
  /** Keys of TSIG by name. */
  readonly keys: TsigKeys;

  // The request.
  request: Uint8Array = NOTHING;
  requestAt = 0;
  requestEnd = 0;
  /** Offset of QNAME in `request`. */
  qnameAt = 0;
  /** Octets of QNAME. */
  qnameLength = 0;
  /** Offsets from the start of QNAME of its labels. */
  readonly qnameLabels = new Uint16Array(MAX_LABELS + 1);
  qnameLabelCount = 0;
  qtype = 0;
  qclass = 0;

  // Its OPT record; 0 without one.
  hasOpt = 0;
  /** 1 when an OPT record is malformed, or a second one stands in the request. */
  optBroken = 0;
  /** 1 when an option has a length that it cannot have. */
  optionBroken = 0;
  optVersion = 0;
  optFlags = 0;
  udpSize = 0;
  dnssecOk = 0;
  /** Offset in `request` of the COOKIE option's data, 0 when there is none. */
  cookieAt = 0;
  cookieLength = 0;
  cookieValid = 0;
  asksNsid = 0;
  asksExpire = 0;
  asksZoneVersion = 0;
  asksKeepalive = 0;
  asksPadding = 0;
  /** 1 when the client asks for signals of the nameservers' transports (oots.ts). */
  asksOots = 0;
  /** Offset of the TSIG record's owner in `request`, 0 when there is none, or the response is to have none. */
  tsigAt = 0;
  /** With `tsigAt`: the record, once it is verified. */
  tsig: RequestTsig | undefined;
  /** With `tsigAt`: octets that are kept free for the response's record; 0: it does not fit. */
  tsigLength = 0;

  // The response.
  response: Uint8Array = NOTHING;
  /** Offset of the response's first octet. */
  start = 0;
  /** Where the next octet goes. */
  at = 0;
  /** Where the records of the sections must end. */
  limit = 0;
  /** Where the buffer or the payload limit ends. */
  end = 0;
  answers = 0;
  authorities = 0;
  additionals = 0;
  rcode = 0;
  authoritative = 0;
  /** EXTRA-TEXT that goes with the extended error (RFC 8914 §2); empty: none. */
  edeText: Uint8Array = NOTHING;
  /** 1 when TC was set: a unit did not fit. */
  truncated = 0;

  // The image of the zone that answers.
  words: Int32Array = NO_WORDS;
  bytes: Uint8Array = NOTHING;
  /** First word of the image. */
  base = 0;
  /** Message offset of the apex's name within the question. */
  apexPointer = 0;
  readonly name: LookupName = {
    octets: NOTHING,
    labelAt: new Int32Array(MAX_LABELS + 1),
    pointer: new Int32Array(MAX_LABELS + 1),
    count: 0,
    length: 0,
  };

  // The result of the walk (lookup.ts).
  /** Reference of the node: the name's own, the cut, the DNAME's owner or the closest encloser. */
  node = 0;
  /** How many of the name's labels are not below `node`: index + 1 of the next closer label. */
  left = 0;

  // Proofs that go to the authority section (denial.ts), as references of RRsets and message offsets of owners.
  readonly proofs = new Int32Array(MAX_PROOFS);
  proofCount = 0;

  // Chains (chain.ts).
  links = 0;
  /** Lower-cased names of the chain so far, each in MAX_NAME octets, with their lengths. */
  readonly visited = new Uint8Array(MAX_CHAIN * MAX_NAME);
  readonly visitedLength = new Uint8Array(MAX_CHAIN);
  /** References of the DNAME RRsets that are in the answer already. */
  readonly dnames = new Int32Array(MAX_CHAIN);
  dnameCount = 0;
  /** A name composed from a DNAME's target, below the apex. */
  readonly composed = new Uint8Array(MAX_NAME + 1);
  /** SVCB and HTTPS RRsets whose targets are added (additional.ts): reference, octet of the response, owner's message offset. */
  readonly services = new Int32Array(MAX_SERVICES);
  readonly servicesAt = new Int32Array(MAX_SERVICES);
  readonly serviceOwners = new Int32Array(MAX_SERVICES);
  serviceCount = 0;
  /** References of the nodes whose addresses were added to them. */
  readonly serviceTargets = new Int32Array(MAX_SERVICE_TARGETS);
  serviceTargetCount = 0;
  /** With `asksOots`: the octet of the response at which the zone's NS RRset begins, 0: it is not there; and its end. */
  nameserversAt = 0;
  nameserversEnd = 0;
  /** Owner of the signals that are looked up, and the offsets of its labels. */
  readonly signalOwner = new Uint8Array(MAX_NAME);
  readonly signalLabels = new Uint16Array(MAX_LABELS + 1);
  /** Scratch of proofs: a whole name in lower case, and its hash. */
  readonly scratchName = new Uint8Array(MAX_NAME + 2);
  readonly scratchHash = new Uint8Array(20);
  /** Where the RRset begins that is being written with its owner in full. */
  scratchFirst = 0;

  /** `keys`: of the settings, where they are made already. */
  constructor(settings: Settings, outcome: Outcome = createOutcome(), keys = tsigKeys(settings.tsigKeys)) {
    this.outcome = outcome;
    this.settings = settings;
    this.keys = keys;
  }

  /** A unit did not fit: sets TC, and nothing more is written (RFC 2181 §9). The answer's RCODE is still determined. */
  truncate(): void {
    this.truncated = 1;
    this.limit = 0;
  }

  /** Makes the record ready for the next message. */
  reset(
    request: Uint8Array,
    requestAt: number,
    length: number,
    response: Uint8Array,
    start: number,
    capacity: number,
  ): void {
    this.request = request;
    this.requestAt = requestAt;
    this.requestEnd = requestAt + length;
    this.response = response;
    this.start = start;
    this.at = start;
    this.end = start + capacity;
    this.limit = this.end;
    this.hasOpt = 0;
    this.optBroken = 0;
    this.optionBroken = 0;
    this.optVersion = 0;
    this.optFlags = 0;
    this.udpSize = 0;
    this.dnssecOk = 0;
    this.cookieAt = 0;
    this.cookieLength = 0;
    this.cookieValid = 0;
    this.asksNsid = 0;
    this.asksExpire = 0;
    this.asksZoneVersion = 0;
    this.asksKeepalive = 0;
    this.asksPadding = 0;
    this.asksOots = 0;
    this.tsigAt = 0;
    this.tsigLength = 0;
    this.answers = 0;
    this.authorities = 0;
    this.additionals = 0;
    this.rcode = 0;
    this.authoritative = 0;
    this.truncated = 0;
    this.edeText = NOTHING;
    this.qnameLength = 0;
    this.qnameLabelCount = 0;
    this.proofCount = 0;
    this.links = 0;
    this.dnameCount = 0;
    this.nameserversAt = 0;
  }
}
