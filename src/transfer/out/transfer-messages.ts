/**
 * The messages of a transfer (RFC 5936 §2.2): each has a header, OPT if the query had it, TSIG if the query was signed (RFC
 * 8945 §5.3.1); the first one repeats the question.
 */
import { PADDING_BLOCK } from '../../answer/edns.js';
import type { MessageSource } from '../../answer/transfer/message-source.js';
import type { OpenTransfer, TransferOpts } from '../../answer/transfer/transfer-desk.js';
import type { TransferEnd } from '../../answer/transfer/transfer-end.js';
import { writeU16 } from '../../protocol/octets.js';
import { signatureLength } from '../../protocol/tsig/tsig.js';
import type { TsigKey } from '../../protocol/tsig/tsig-key.js';
import { StreamSigner } from '../../protocol/tsig/tsig-stream.js';
import { PADDING_RESERVE, padMessage } from '../padded-message.js';
import type { ImageView } from './image-view.js';
import type { TransferContent } from './transfer-content.js';
import { TransferWriter } from './transfer-writer.js';

const HEADER = 12;
const FLAG_QR = 0x80;
const FLAG_AA = 0x04;
const FLAG_RD = 0x01;
const MAX_MESSAGE = 65_535;

/** The parts of a query that its answer repeats or depends on. */
export interface TransferQuery {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** Name, type and class. */
  readonly question: Uint8Array;
  readonly opts: TransferOpts;
  /** Key and MAC of its signature; undefined: it had none. */
  readonly tsig: { readonly key: TsigKey; readonly mac: Uint8Array } | undefined;
}

/** Counts of the messages that were sent, their records and their octets. */
interface TransferCount {
  readonly messages: number;
  readonly records: number;
  readonly octets: number;
}

export class TransferMessages implements MessageSource, OpenTransfer {
  messages = 0;
  records = 0;
  octets = 0;
  readonly #query: TransferQuery;
  readonly #image: ImageView;
  readonly #content: TransferContent;
  readonly #writer: TransferWriter;
  readonly #signer: StreamSigner | undefined;
  readonly #signature: number;
  readonly #onEnd: ((count: TransferCount, end: TransferEnd) => void) | undefined;
  #isOver = false;

  /** `onEnd` is called once. */
  constructor(
    query: TransferQuery,
    image: ImageView,
    content: TransferContent,
    onEnd?: (count: TransferCount, end: TransferEnd) => void,
  ) {
    const { tsig } = query;
    this.#query = query;
    this.#image = image;
    this.#content = content;
    this.#writer = new TransferWriter(image);
    this.#signer = tsig && new StreamSigner(tsig.key, tsig.mac);
    this.#signature = tsig === undefined ? 0 : signatureLength(tsig.key);
    this.#onEnd = onEnd;
  }

  /** Itself. */
  get source(): MessageSource {
    return this;
  }

  /** Whether the last message has been written. */
  get isOver(): boolean {
    return this.#isOver;
  }

  next(out: Uint8Array, at: number, capacity: number, now: number): number {
    if (this.#isOver) return 0;
    const isFirst = this.messages === 0;
    const { question, id, recursionDesired, opts } = this.#query;
    const opt = isFirst ? opts.first : opts.rest;
    const writer = this.#writer;
    writeU16(out, at, id);
    out[at + 2] = FLAG_QR | FLAG_AA | (recursionDesired ? FLAG_RD : 0);
    out[at + 3] = 0;
    writeU16(out, at + 4, isFirst ? 1 : 0);
    writeU16(out, at + 8, 0);
    let records = at + HEADER;
    if (isFirst) {
      out.set(question, records);
      records += question.length;
    }
    const most = Math.min(capacity, MAX_MESSAGE);
    const reserve = opt.length + this.#signature;
    const padding = opts.isPadded ? PADDING_RESERVE : 0;
    const end = at + most - reserve;
    writer.begin(out, at, records, reserve + padding, end, isFirst && this.#isApexSpelt() ? HEADER : 0);
    this.#isOver = this.#content.fill(writer);
    writeU16(out, at + 6, writer.count);
    out.set(opt, writer.at);
    writeU16(out, at + 10, opt.length === 0 ? 0 : 1);
    let unsigned = writer.at + opt.length;
    if (opts.isPadded) unsigned = padMessage(out, at, unsigned, opt.length, this.#signature, most, PADDING_BLOCK);
    const length = (this.#signer === undefined ? unsigned : this.#signer.sign(out, at, unsigned, now)) - at;
    this.messages++;
    this.records += writer.count;
    this.octets += length;
    return length;
  }

  ended(end: TransferEnd): void {
    this.#onEnd?.(this, end);
  }

  /** Whether the question has the zone's name in the same letter case: names that point to it get this one (RFC 5936 §3.4). */
  #isApexSpelt(): boolean {
    const { apex } = this.#image;
    return apex.every((octet, i) => octet === this.#query.question[i]);
  }
}
