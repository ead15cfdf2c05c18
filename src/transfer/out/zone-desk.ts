/**
 * Gives zones to secondaries (AXFR, RFC 5936; IXFR, RFC 1995). A transfer holds the version that was served when it began, until the last
 * message is sent. IXFR over UDP is answered by the whole zone where one message has room for it, otherwise by the SOA record (RFC 1995 §2).
 */
import type { Exchange } from '../../answer/exchange.js';
import type { Facts, Transport } from '../../answer/facts.js';
import type { MessageSource } from '../../answer/transfer/message-source.js';
import type { OpenTransfer, TransferDesk, TransferOpts, TransferRefusal } from '../../answer/transfer/transfer-desk.js';
import type { TransferEnd } from '../../answer/transfer/transfer-end.js';
import { ZONE_BASE, ZONE_LABELS, ZONE_SEGMENT, ZONE_WORDS, zoneHistory } from '../../image/catalog.js';
import * as L from '../../image/layout.js';
import { Ede, Rcode } from '../../protocol/iana.js';
import { nameKey } from '../../protocol/name.js';
import type { RequestTsig } from '../../protocol/tsig/tsig.js';
import type { Peer } from '../peer.js';
import { type ImageView, imageView } from './image-view.js';
import { chooseTransfer, currentSoa, TransferForm } from './transfer-choice.js';
import { TransferMessages, type TransferQuery } from './transfer-messages.js';

/** Whether a peer may transfer a zone. TLS: it may, but not over this transport. */
export const Admittance = { YES: 0, NO: 1, TLS: 2 } as const;
export type Admittance = (typeof Admittance)[keyof typeof Admittance];

/** The report of a transfer that is over. Plain data. */
export interface TransferReport {
  /** The zone's name in wire format. */
  readonly zone: Uint8Array;
  /** The client: 4 or 16 octets. */
  readonly client: Uint8Array;
  readonly clientPort: number;
  readonly transport: Transport;
  /** The name of the key that it signed with, in wire format. */
  readonly key: Uint8Array | undefined;
  readonly form: TransferForm;
  /** Serial of the client's version; undefined: AXFR. */
  readonly from: number | undefined;
  /** Serial of the version that was sent. */
  readonly serial: number;
  readonly messages: number;
  readonly records: number;
  readonly octets: number;
  readonly milliseconds: number;
  readonly end: TransferEnd;
}

/** The log of requests that a desk refuses because of their sender. `name`: in the question, in wire format. */
export interface RefusedLines {
  /** `reason`: the text that the client gets; empty: the client is none of those that may transfer the zone. */
  transfer(name: Uint8Array, peer: Peer, reason: string): void;
  /** `now`: seconds since 1970. */
  signature(name: Uint8Array, peer: Peer, tsig: RequestTsig, now: number): void;
}

interface DeskParts {
  readonly refused: RefusedLines;
  /** `zone`: as nameKey() writes it. */
  admits(zone: string, peer: Peer): Admittance;
  /** Counts a transfer of the client in (4 or 16 octets); false: it is one too many. */
  begin(client: Uint8Array): boolean;
  /** A transfer that was counted in is over. */
  ended(report: TransferReport): void;
  /** Milliseconds of a clock. */
  milliseconds(): number;
}

const TEXT = new TextEncoder();
const DECODER = new TextDecoder();
const NOTHING = new Uint8Array(0);
const PROHIBITED: TransferRefusal = { rcode: Rcode.REFUSED, ede: Ede.PROHIBITED, text: NOTHING };
const TLS_REQUIRED: TransferRefusal = {
  ...PROHIBITED,
  text: TEXT.encode('this zone is transferred over TLS only, on its own port and with ALPN dot'),
};
/** SERVFAIL, not REFUSED: the client may have the zone, and comes again after its retry time. */
const TOO_MANY: TransferRefusal = {
  rcode: Rcode.SERVFAIL,
  ede: Ede.OTHER,
  text: TEXT.encode('too many transfers are under way'),
};

/** Most records of a zone that one message over UDP may have as a whole. */
const FEW_RECORDS = 64;
const FLAG_RD = 0x01;

export class ZoneDesk implements TransferDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  judge(x: Exchange, facts: Facts, zone: number): TransferRefusal | undefined {
    const labels = facts.catalog.zones[zone * ZONE_WORDS + ZONE_LABELS]!;
    const at = labels === 0 ? x.qnameLength - 1 : x.qnameLabels[x.qnameLabelCount - labels]!;
    const name = nameKey(x.request.subarray(x.qnameAt + at, x.qnameAt + x.qnameLength));
    const admittance = this.#parts.admits(name, peerOf(x, facts));
    if (admittance === Admittance.YES) return undefined;
    return admittance === Admittance.TLS ? TLS_REQUIRED : PROHIBITED;
  }

  refused(x: Exchange, facts: Facts, refusal?: TransferRefusal): void {
    const name = Uint8Array.from(x.request.subarray(x.qnameAt, x.qnameAt + x.qnameLength));
    const peer = peerOf(x, facts);
    if (refusal !== undefined) this.#parts.refused.transfer(name, peer, DECODER.decode(refusal.text));
    else if (x.tsig !== undefined) this.#parts.refused.signature(name, peer, x.tsig, facts.now);
  }

  open(
    x: Exchange,
    facts: Facts,
    zone: number,
    serial: number | undefined,
    opts: TransferOpts,
    room: number | undefined,
  ): OpenTransfer | TransferRefusal {
    const { catalog } = facts;
    const at = zone * ZONE_WORDS;
    const image = imageView(catalog.segments[catalog.zones[at + ZONE_SEGMENT]!]!, catalog.zones[at + ZONE_BASE]!);
    const query = queryOf(x, opts);
    if (room !== undefined) return oneMessage(query, image, serial, room, facts.now);
    const peer = peerOf(x, facts);
    const history = serial === undefined ? [] : zoneHistory(catalog, zone);
    const { form, content } = chooseTransfer(image, serial, history);
    if (form === TransferForm.CURRENT) return new TransferMessages(query, image, content);
    if (!this.#parts.begin(peer.address)) return TOO_MANY;
    const began = this.#parts.milliseconds();
    return new TransferMessages(query, image, content, ({ messages, records, octets }, end) => {
      const milliseconds = this.#parts.milliseconds() - began;
      const { address: client, port: clientPort, transport, key } = peer;
      const about = { zone: image.apex, client, clientPort, transport, key: key?.name, form, from: serial };
      this.#parts.ended({ ...about, serial: image.serial, messages, records, octets, milliseconds, end });
    });
  }
}

function peerOf(x: Exchange, { client, clientLength, clientPort, transport, xot, certificate }: Facts): Peer {
  const address = Uint8Array.from(client.subarray(0, clientLength));
  const key = x.tsigAt === 0 ? undefined : x.tsig?.key;
  return { address, port: clientPort, transport, xot, key, certificate };
}

/** Copies the parts of the query that the messages need: later, its buffer has other octets. */
function queryOf(x: Exchange, opts: TransferOpts): TransferQuery {
  const { request, requestAt, qnameAt, tsig } = x;
  const isSigned = x.tsigAt !== 0 && tsig?.key !== undefined;
  return {
    id: (request[requestAt]! << 8) | request[requestAt + 1]!,
    recursionDesired: (request[requestAt + 2]! & FLAG_RD) !== 0,
    question: Uint8Array.from(request.subarray(qnameAt, qnameAt + x.qnameLength + 4)),
    opts,
    tsig: isSigned ? { key: tsig.key, mac: tsig.record.mac } : undefined,
  };
}

/** The answer over UDP. */
function oneMessage(
  query: TransferQuery,
  image: ImageView,
  serial: number | undefined,
  room: number,
  now: number,
): OpenTransfer {
  if (image.words[L.HEADER_RECORD_COUNT]! <= FEW_RECORDS) {
    const whole = new TransferMessages(query, image, chooseTransfer(image, serial).content);
    const octets = new Uint8Array(room);
    const length = whole.next(octets, 0, room, now);
    if (whole.isOver) return { isOver: true, source: written(octets.subarray(0, length)) };
  }
  return new TransferMessages(query, image, currentSoa(image));
}

/** A message that is written already. */
function written(octets: Uint8Array): MessageSource {
  return {
    next(out, at) {
      out.set(octets, at);
      return octets.length;
    },
    ended() {},
  };
}
