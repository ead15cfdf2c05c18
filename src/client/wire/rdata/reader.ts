/** Reads the RDATA of one record, never past its end, and collects it in uncompressed form. */
import { ClientError, ClientErrorCode } from '../../errors.js';
import type { NameReader } from '../names.js';

export class RdataReader {
  readonly #message: Uint8Array;
  readonly #names: NameReader;
  readonly #start: number;
  readonly #end: number;
  #at: number;
  readonly #parts: Uint8Array[] = [];

  /** The RDATA is message[start … end); `names` reads the names of the message. */
  constructor(message: Uint8Array, start: number, end: number, names: NameReader) {
    this.#message = message;
    this.#names = names;
    this.#start = start;
    this.#end = end;
    this.#at = start;
  }

  /** Octets not read yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) this.fail(`ends ${length - this.left} octets too early`);
    const part = Buffer.from(this.#message.subarray(this.#at, this.#at + length));
    this.#at += length;
    this.#parts.push(part);
    return part;
  }

  rest(): Buffer {
    return this.take(this.left);
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u16(): number {
    return this.take(2).readUInt16BE();
  }

  u32(): number {
    return this.take(4).readUInt32BE();
  }

  /** A name as text. Compression is for the types of RFC 1035 and those that RFC 3597 §4 adds. */
  name(compressed = false): string {
    const { name, text, end } = this.#names.read(this.#at, this.#end, compressed);
    this.#at = end;
    this.#parts.push(name);
    return text;
  }

  /** Octets after an octet with their length. */
  string(): Buffer {
    return this.take(this.u8());
  }

  /** The RDATA with names uncompressed. Fails unless all of it has been read. */
  finish(): Uint8Array {
    if (this.left > 0) this.fail(`has ${this.left} octets too many`);
    const [only, ...others] = this.#parts;
    // RDATA that is one name is not copied: records that point to one name share it.
    return only !== undefined && others.length === 0 ? only : Buffer.concat(this.#parts);
  }

  fail(reason: string): never {
    throw new ClientError(ClientErrorCode.MALFORMED, `RDATA at octet ${this.#start} ${reason}`);
  }
}
