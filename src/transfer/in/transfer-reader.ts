/**
 * Reads the answer to AXFR (RFC 5936) or IXFR (RFC 1995), message by message. The records of a whole zone go straight into a
 * store, from which the image is compiled; differences become runs. Hot file: no object per record.
 *
 * The form of a transfer says at which record it ends. A record that is malformed, of another zone, or out of order makes the
 * transfer fail; records that are only odd in a zone are left to the checks of zones.
 *
 * Not here: IXFR over UDP, which we never ask for: TCP and TLS connections are kept open.
 */
import { AdotdError } from '../../errors.js';
import { Class, Type } from '../../protocol/iana.js';
import { labelCount, nameToText, sameName, suffixAt } from '../../protocol/name.js';
import { MAX_RDATA } from '../../protocol/rdata/field.js';
import { isMetaType, typeToText } from '../../protocol/rdata/table.js';
import { readRdataTo } from '../../protocol/rdata/wire.js';
import { isLaterSerial } from '../../protocol/serial.js';
import type { StreamVerifier } from '../../protocol/tsig/tsig-stream.js';
import { type Difference, readDifference } from '../../zone/changes/difference.js';
import { compareRdata, RunWriter } from '../../zone/changes/record-run.js';
import { AnswerRecords, expireOption, isPadded } from './answer-records.js';
import { ReceivedRecords } from './received-records.js';
import { checkResponse } from './response-check.js';
import { type SoaTimes, soaTimes } from './soa-answer.js';
import type { Transfer } from './transfer.js';
import { TransferError, TransferFault } from './transfer-error.js';
import type { TransferQuestion } from './transfer-question.js';

/** A TTL with the highest bit set counts as 0 (RFC 2181 §8). */
const MAX_TTL = 0x7fffffff;
/** Octets that a record counts for besides owner and RDATA: the store needs them, and so the limit bounds memory. */
const RECORD_COST = 40;
/** Names that are decompressed may need more room than the longest RDATA before they are refused. */
const RDATA_ROOM = MAX_RDATA + 512;

/** How a transfer is read. */
interface TransferOptions {
  readonly question: TransferQuestion;
  /** Of a signed question. */
  readonly verifier?: StreamVerifier | undefined;
  /** Limit of the octets that come, and of the octets of the records when their names are not compressed. */
  readonly maxOctets: number;
  /** The approximate number of records, such as that of the version before. */
  readonly expectedRecords?: number | undefined;
}

/** Which records come next. */
const Phase = {
  /** The SOA record that every transfer begins with. */
  BEGIN: 0,
  /** The second record, which shows whether it is a whole zone or differences. */
  SECOND: 1,
  /** Records of the zone, up to the same SOA record. */
  ZONE: 2,
  /** Records that a version lacks, up to the SOA record of that version. */
  REMOVED: 3,
  /** Records that it adds, up to the next difference or the end. */
  ADDED: 4,
  END: 5,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

function fail(fault: TransferFault, message: string): never {
  throw new TransferError(fault, message);
}

export class TransferReader {
  readonly #options: TransferOptions;
  readonly #apex: Uint8Array;
  readonly #apexLabels: number;
  readonly #records = new AnswerRecords();
  readonly #rdata = new Uint8Array(RDATA_ROOM);
  readonly #differences: Difference[] = [];
  #zone: ReceivedRecords | undefined;
  #removed = new RunWriter();
  #added = new RunWriter();
  /** RDATA of the first record. */
  #soa = new Uint8Array();
  #soaTtl = 0;
  #times: SoaTimes | undefined;
  #phase: Phase = Phase.BEGIN;
  /** The serial that the next difference begins at; in the phase ADDED, the one that it leads to. */
  #serial: number;
  #expire: number | undefined;
  #octets = 0;
  #expanded = 0;
  #messages = 0;
  #count = 0;
  #isCurrent = false;
  readonly #rdataTo = (out: Uint8Array, at: number): number => this.#readRdata(out, at);

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#apex = options.question.apex;
    this.#apexLabels = labelCount(this.#apex);
    this.#serial = options.question.serial ?? 0;
  }

  /** Messages that have come. */
  get messages(): number {
    return this.#messages;
  }

  /** Octets that have come. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Takes the next message. Returns the result of the transfer after the last message, else undefined. Throws TransferError; then the
   * transfer is over. `now`: seconds since 1970.
   */
  take(message: Uint8Array, now: number): Transfer | undefined {
    const { question, verifier, maxOctets } = this.#options;
    this.#octets += message.length;
    if (this.#octets > maxOctets) this.#tooLarge();
    checkResponse(message, question, verifier, now);
    const records = this.#records;
    records.begin(message);
    // Padding may hide the size of a zone in messages without records (RFC 9103 §7.9.1, §7.10.3).
    if (records.left === 0 && !(this.#messages > 0 && isPadded(message)))
      fail(TransferFault.PROTOCOL, 'found a message without records in its answer section');
    if (this.#messages++ === 0) this.#expire = expireOption(message);
    while (records.next()) this.#record();
    if (this.#phase === Phase.SECOND && this.#messages === 1 && this.#isAnswerCurrent()) this.#phase = Phase.END;
    return this.#phase === Phase.END ? this.#finish() : undefined;
  }

  /** Whether the only record of the answer to IXFR says that there is no newer version (RFC 1995 §2). */
  #isAnswerCurrent(): boolean {
    const { type, serial } = this.#options.question;
    this.#isCurrent = type === Type.IXFR && !isLaterSerial(serial ?? 0, this.#times!.serial);
    return this.#isCurrent;
  }

  #finish(): Transfer {
    const { verifier } = this.#options;
    if (verifier?.isSigned === false)
      fail(
        TransferFault.TSIG,
        'the last message of the transfer is not signed, expected a signature (RFC 8945 §5.3.1)',
      );
    const facts = {
      ...this.#times!,
      expireOption: this.#expire,
      octets: this.#octets,
      messages: this.#messages,
      records: this.#count,
    };
    if (this.#isCurrent) return { ...facts, form: 'current' };
    if (this.#zone !== undefined) return { ...facts, form: 'zone', store: this.#zone.store };
    return { ...facts, form: 'differences', differences: this.#differences };
  }

  #tooLarge(): never {
    const { maxOctets } = this.#options;
    return fail(TransferFault.TOO_LARGE, `found more than ${maxOctets} octets, the limit (transfer.max_octets)`);
  }

  #record(): void {
    const records = this.#records;
    this.#check();
    this.#count++;
    const isSoa = records.type === Type.SOA && sameName(records.owner, 0, this.#apex, 0);
    switch (this.#phase) {
      case Phase.BEGIN:
        if (!isSoa)
          fail(TransferFault.PROTOCOL, `found ${this.#describe()} first, expected the SOA record of the zone`);
        this.#begin();
        return;
      case Phase.SECOND:
        this.#second(isSoa);
        return;
      case Phase.ZONE:
        if (isSoa) this.#endZone();
        else this.#keep();
        return;
      case Phase.REMOVED:
        if (isSoa) this.#beginAdded();
        else this.#write(this.#removed);
        return;
      case Phase.ADDED:
        if (isSoa) this.#endDifference();
        else this.#write(this.#added);
        return;
      case Phase.END:
        fail(TransferFault.PROTOCOL, `found ${this.#describe()} behind the last SOA record, expected nothing`);
    }
  }

  /** Checks the rules that hold for every record. */
  #check(): void {
    const records = this.#records;
    const { type, owner, ownerLength, rdataLength } = records;
    if (records.classNumber !== Class.IN)
      fail(TransferFault.PROTOCOL, `found ${this.#describe()} in class ${records.classNumber}, expected IN`);
    if (isMetaType(type))
      fail(TransferFault.PROTOCOL, `found ${this.#describe()}, expected no such type: no zone can have it`);
    if (suffixAt(owner, 0, this.#apex, this.#apexLabels) < 0)
      fail(TransferFault.PROTOCOL, `found ${this.#describe()}, expected names at or below ${nameToText(this.#apex)}`);
    this.#expanded += ownerLength + RECORD_COST + rdataLength;
    if (this.#expanded > this.#options.maxOctets) this.#tooLarge();
    if (records.ttl > MAX_TTL) records.ttl = 0;
  }

  #describe(): string {
    const { owner, type } = this.#records;
    return `the record ${nameToText(owner)} ${typeToText(type)}`;
  }

  /** Writes the RDATA of the record uncompressed at out[to…], and returns its length. */
  #readRdata(out: Uint8Array, to: number): number {
    const { type, message, rdataAt, rdataLength } = this.#records;
    try {
      const length = readRdataTo(type, message, rdataAt, rdataLength, out, to);
      this.#expanded += length - rdataLength;
      return length;
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      throw new TransferError(TransferFault.PROTOCOL, `${this.#describe()}: ${error.message}`, undefined, {
        cause: error,
      });
    }
  }

  #begin(): void {
    const length = this.#readRdata(this.#rdata, 0);
    this.#soa = this.#rdata.slice(0, length);
    this.#soaTtl = this.#records.ttl;
    this.#times = soaTimes(this.#soa, length);
    this.#phase = Phase.SECOND;
  }

  #second(isSoa: boolean): void {
    const { type, serial } = this.#options.question;
    if (type === Type.IXFR && isSoa) {
      const length = this.#readRdata(this.#rdata, 0);
      const found = soaTimes(this.#rdata, length).serial;
      if (found === serial) {
        this.#phase = Phase.REMOVED;
        this.#addTo(this.#removed, length);
        return;
      }
      if (found !== this.#times!.serial)
        fail(
          TransferFault.MISFIT,
          `found differences from serial ${found}, expected them from ${serial}, which was asked for`,
        );
    }
    this.#beginZone();
    this.#phase = Phase.ZONE;
    if (isSoa) this.#endZone();
    else this.#keep();
  }

  /** The transfer is a whole zone; its SOA record is already here. */
  #beginZone(): void {
    const zone = new ReceivedRecords(this.#apex, this.#times!.serial, this.#options.expectedRecords);
    zone.add(this.#apex, this.#apex.length, Type.SOA, this.#soaTtl, (out, at) => {
      out.set(this.#soa, at);
      return this.#soa.length;
    });
    this.#zone = zone;
  }

  /** Adds the record to the zone. */
  #keep(): void {
    const { owner, ownerLength, type, ttl } = this.#records;
    this.#zone!.add(owner, ownerLength, type, ttl, this.#rdataTo);
  }

  #endZone(): void {
    const length = this.#readRdata(this.#rdata, 0);
    const { serial } = soaTimes(this.#rdata, length);
    if (serial !== this.#times!.serial)
      fail(
        TransferFault.PROTOCOL,
        `found serial ${serial} in the last SOA record, expected ${this.#times!.serial}, as in the first: the zone has changed within the transfer`,
      );
    if (compareRdata(Type.SOA, this.#soa, 0, this.#soa.length, this.#rdata, 0, length) !== 0)
      fail(TransferFault.PROTOCOL, 'the last SOA record is not the same as the first, expected that');
    this.#phase = Phase.END;
  }

  /** Adds the record to a run. */
  #write(run: RunWriter): void {
    this.#addTo(run, this.#readRdata(this.#rdata, 0));
  }

  #addTo(run: RunWriter, length: number): void {
    const { owner, type, ttl } = this.#records;
    run.add(owner, 0, type, ttl, this.#rdata, 0, length);
  }

  #beginAdded(): void {
    const length = this.#readRdata(this.#rdata, 0);
    const { serial } = soaTimes(this.#rdata, length);
    if (!isLaterSerial(this.#serial, serial))
      fail(
        TransferFault.MISFIT,
        `found a difference from serial ${this.#serial} to ${serial}, expected one to a later serial`,
      );
    this.#serial = serial;
    this.#addTo(this.#added, length);
    this.#phase = Phase.ADDED;
  }

  /** An SOA record behind added records: the next difference begins, or the transfer ends. */
  #endDifference(): void {
    this.#differences.push(this.#readDifference());
    this.#removed = new RunWriter();
    this.#added = new RunWriter();
    const length = this.#readRdata(this.#rdata, 0);
    const { serial } = soaTimes(this.#rdata, length);
    if (this.#serial === this.#times!.serial) {
      if (compareRdata(Type.SOA, this.#soa, 0, this.#soa.length, this.#rdata, 0, length) !== 0)
        fail(TransferFault.PROTOCOL, 'the last SOA record is not the same as the first, expected that');
      this.#phase = Phase.END;
      return;
    }
    if (serial !== this.#serial)
      fail(
        TransferFault.MISFIT,
        `found a difference from serial ${serial}, expected one from ${this.#serial}, at which the one before ends`,
      );
    this.#addTo(this.#removed, length);
    this.#phase = Phase.REMOVED;
  }

  #readDifference(): Difference {
    try {
      return readDifference(this.#apex, this.#removed.finish(), this.#added.finish());
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      throw new TransferError(TransferFault.MISFIT, error.message, undefined, { cause: error });
    }
  }
}
