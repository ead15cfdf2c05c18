/**
 * Transfers a zone to a client: AXFR (RFC 5936) and IXFR (RFC 1995), over TCP, TLS (RFC 9103) or STARTTLS, signed or not. Judges
 * the form of the answer, not the zone.
 */
import { EdnsOption, Rcode, Type } from '../../protocol/iana.js';
import { systemClock } from '../client-clock.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import type { EdnsRequest } from '../wire/edns.js';
import {
  decodeMessage,
  HeaderFlag,
  isResponse,
  type Message,
  type Query,
  type ResourceRecord,
} from '../wire/message.js';
import { sameName, textToName } from '../wire/names.js';
import { type QueryTsig, TsigStream } from '../wire/tsig.js';
import { DEFAULT_TIMEOUT, openSession, type ServerAddress, type StreamTransport } from './connect.js';
import { rcodeAndReasons, signatureText } from './reply.js';
import type { UpgradeOptions } from './starttls.js';
import type { TlsInfo, TlsOptions } from './tls-connection.js';

/** The zone to transfer, and the way to transfer it. */
export interface TransferOptions {
  readonly server: ServerAddress;
  /** Default `tcp`. */
  readonly transport?: StreamTransport;
  /** Name of the zone; the final dot may be left out. */
  readonly name: string;
  /** IXFR: the serial of the version that is there. Undefined: AXFR. */
  readonly serial?: number;
  /** Default: an OPT record, so that a server says why it refuses (RFC 8914), padded inside TLS. `false`: none. */
  readonly edns?: EdnsRequest | false;
  /** Signs the query; each answer has to be signed with the same key. */
  readonly tsig?: QueryTsig;
  /** Milliseconds for each step, and until each message. Default 5000. */
  readonly timeoutMs?: number;
  readonly tls?: TlsOptions;
  readonly upgrade?: UpgradeOptions;
  readonly signal?: AbortSignal;
  /** Takes the records of each message in their order, the SOA records at both ends included. */
  records?(records: readonly ResourceRecord[]): void;
}

/** The result of a transfer. */
export interface ZoneTransfer {
  /** `axfr`: a whole zone, also as an answer to IXFR; `ixfr`: differences; `current`: there is no newer version. */
  readonly form: 'axfr' | 'ixfr' | 'current';
  /** Of the server's version. */
  readonly serial: number;
  readonly messages: number;
  readonly records: number;
  /** Octets of the messages. */
  readonly octets: number;
  readonly milliseconds: number;
  readonly server: Required<ServerAddress>;
  /** Undefined without TLS. */
  readonly tls: TlsInfo | undefined;
}

/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;
/** RFC 8467 §4.1. */
const EDNS: EdnsRequest = { padding: 128 };

/** Finds the end of a transfer among its records. */
class TransferForm {
  readonly #asked: number | undefined;
  #first: ResourceRecord | undefined;
  #count = 0;
  /** Serial of the last SOA record. */
  #serial = 0;
  #isIxfr = false;
  /** SOA records since the first one. In differences, those of removed and of added records take turns. */
  #soas = 0;
  isOver = false;

  constructor(asked: number | undefined) {
    this.#asked = asked;
  }

  get count(): number {
    return this.#count;
  }

  get serial(): number {
    return this.#first === undefined ? 0 : serialOf(this.#first);
  }

  get form(): ZoneTransfer['form'] {
    return this.#count === 1 ? 'current' : this.#isIxfr ? 'ixfr' : 'axfr';
  }

  take(record: ResourceRecord): void {
    const isSoa = record.type === Type.SOA && (this.#first === undefined || sameName(record.owner, this.#first.owner));
    if (this.isOver) wrong(`found the record ${record.name} behind the end of the transfer`);
    this.#count++;
    if (this.#first === undefined) {
      if (!isSoa) wrong(`found the record ${record.name} first, expected the SOA record of the zone`);
      this.#first = record;
      return;
    }
    if (!isSoa) return;
    this.#soas++;
    const serial = serialOf(record);
    if (this.#count === 2 && this.#asked !== undefined && serial !== this.serial) this.#isIxfr = true;
    if (this.#isIxfr) {
      // Each second one begins the added records, and has the serial of their version.
      if (this.#soas % 2 === 0) this.#serial = serial;
      else if (this.#soas > 1 && this.#serial === this.serial) this.isOver = true;
    } else {
      if (serial !== this.serial) wrong(`found serial ${serial} in the last SOA record, expected ${this.serial}`);
      this.isOver = true;
    }
  }

  /** The first message is over: an SOA record alone may say that there is nothing newer (RFC 1995 §2). */
  endFirst(): void {
    const asked = this.#asked;
    if (this.#count === 1 && asked !== undefined && ((this.serial - asked) | 0) <= 0) this.isOver = true;
  }
}

function serialOf({ rdata }: ResourceRecord): number {
  const octets = Buffer.from(rdata);
  return octets.length < SOA_SERIAL ? 0 : octets.readUInt32BE(octets.length - SOA_SERIAL);
}

function wrong(message: string): never {
  throw new ClientError(ClientErrorCode.MALFORMED, message);
}

/**
 * Transfers a zone. Rejects with a ClientError: CLIENT_TRANSFER when the server answers with an RCODE, CLIENT_TSIG when a message is not
 * signed as it has to be, and as openSession() and ClientSession.ask() do.
 */
export async function transferZone(options: TransferOptions): Promise<ZoneTransfer> {
  const { transport = 'tcp', timeoutMs = DEFAULT_TIMEOUT, tls, upgrade, signal, tsig, serial, edns = EDNS } = options;
  textToName(options.name);
  const query: Query = {
    name: options.name,
    type: serial === undefined ? Type.AXFR : Type.IXFR,
    ...(serial !== undefined && { serial }),
    ...(edns && { edns }),
    ...(tsig && { tsig }),
  };
  const opening = {
    transport,
    server: options.server,
    timeoutMs,
    signal,
    ...(tls && { tls }),
    ...(upgrade && { upgrade }),
  };
  const open = await openSession(opening);
  const form = new TransferForm(serial);
  let [messages, octets] = [0, 0];
  let signatures: TsigStream | undefined;
  const more = (message: Buffer, asked: Message): boolean => {
    const decoded = decodeMessage(message);
    if (tsig !== undefined) signatures ??= new TsigStream(asked.tsig, tsig);
    judgeMessage(decoded, message, signatures, messages === 0);
    messages++;
    octets += message.length;
    for (const record of decoded.answers) form.take(record);
    if (messages === 1) form.endFirst();
    if (form.isOver && signatures?.isSigned === false)
      throw new ClientError(ClientErrorCode.TSIG, 'the last message of the transfer is not signed');
    options.records?.(decoded.answers);
    return !form.isOver;
  };
  try {
    const { milliseconds } = await open.session.ask(query, { timeoutMs, signal, more });
    const { count: records, serial: found } = form;
    return {
      form: form.form,
      serial: found,
      messages,
      records,
      octets,
      milliseconds,
      server: open.server,
      tls: open.tls,
    };
  } finally {
    await open.session.close();
  }
}

function judgeMessage(message: Message, octets: Buffer, signatures: TsigStream | undefined, isFirst: boolean): void {
  if (!isResponse(message)) throw new ClientError(ClientErrorCode.MISMATCH, 'the message is no response to a query');
  const mistake = signatures?.mistake(octets, message.tsig, Math.floor(systemClock.now() / 1000));
  if (mistake !== undefined) throw new ClientError(ClientErrorCode.TSIG, signatureText(message, mistake));
  if (message.rcode !== Rcode.NOERROR)
    throw new ClientError(ClientErrorCode.TRANSFER, `the server answered ${rcodeAndReasons(message)}`);
  if ((message.flags & HeaderFlag.TC) !== 0) wrong('found a truncated message (TC) in a transfer');
  // Padding may be in messages of its own (RFC 9103 §7.9.1).
  const isPadded = message.edns?.options.some(({ code }) => code === EdnsOption.PADDING) ?? false;
  if (message.answers.length === 0 && !(isPadded && !isFirst)) wrong('found a message without records in a transfer');
}
