/**
 * All records of a zone, as AXFR sends them (RFC 5936 §2.2, §3): the SOA record, everything else, the SOA record again. Glue, and records
 * hidden by a zone cut or a DNAME, are sent like the others (§3.5, §3.3); names that the zone does not own are in no image. The order is
 * that of the image. Hot file: integers, no object per record.
 */
import { ImageNodes } from '../../image/changes/image-nodes.js';
import * as L from '../../image/layout.js';
import { encodeBase32hex } from '../../protocol/base32hex.js';
import { Type } from '../../protocol/iana.js';
import { nameLength, nameToText } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import { directoryAt, type ImageView, rrsetAt } from './image-view.js';
import { RecordTooLong, type TransferContent } from './transfer-content.js';
import type { TransferWriter } from './transfer-writer.js';

/** The part that comes next. */
const Part = { SOA: 0, NODES: 1, CHAIN: 2, UNUSED: 3, LAST_SOA: 4, OVER: 5 } as const;

/** Octets of a hash in base32hex with its length octet. */
const HASH_LABEL = 33;

/** Writes only the SOA record, without signatures. Returns whether it has room. */
export function putSoa(writer: TransferWriter, image: ImageView): boolean {
  const { words } = image;
  const apex = words[L.HEADER_APEX]!;
  const set = rrsetAt(image, apex, Type.SOA);
  return writer.putOfNode(set, 0, words[set + L.RRSET_LENGTH]!, 1, APEX_PATH, 0);
}

/** The path to the apex; the node itself is not looked at. */
const APEX_PATH = new Int32Array(1);

export class ZoneContent implements TransferContent {
  readonly #image: ImageView;
  readonly #nodes: ImageNodes;
  #part: number = Part.SOA;
  /** The next entry of the directory, of the chain, or of the unused RRsets. */
  #entry = 0;
  /** Where the next record begins in an RRset that no message has room for; 0: at its beginning. */
  #from = 0;
  readonly #hash = new Uint8Array(HASH_LABEL);

  constructor(image: ImageView) {
    this.#image = image;
    this.#nodes = new ImageNodes(image.words, image.bytes, false);
    this.#hash[0] = HASH_LABEL - 1;
  }

  fill(writer: TransferWriter): boolean {
    for (;;) {
      switch (this.#part) {
        case Part.SOA:
        case Part.LAST_SOA:
          if (!putSoa(writer, this.#image)) return false;
          break;
        case Part.NODES:
          if (!this.#fillNodes(writer)) return false;
          break;
        case Part.CHAIN:
          if (!this.#fillChain(writer)) return false;
          break;
        case Part.UNUSED:
          if (!this.#fillUnused(writer)) return false;
          break;
        default:
          return true;
      }
      this.#part++;
      this.#entry = 0;
    }
  }

  #fillNodes(writer: TransferWriter): boolean {
    const { words, bytes } = this.#image;
    const nodes = this.#nodes;
    for (; nodes.node !== 0; nodes.next(), this.#entry = 0) {
      const { node } = nodes;
      const count = words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT;
      const directory = directoryAt(bytes, node);
      for (; this.#entry < count; this.#entry++) {
        const set = words[directory + this.#entry * L.DIRECTORY_ENTRY + 1]!;
        const isSoa = nodes.depth === 0 && words[directory + this.#entry * L.DIRECTORY_ENTRY] === Type.SOA;
        if (!this.#putSet(writer, set, isSoa)) return false;
      }
    }
    return true;
  }

  /** The NSEC3 records that answers have. */
  #fillChain(writer: TransferWriter): boolean {
    const { words, bytes } = this.#image;
    for (; this.#entry < words[L.HEADER_CHAIN_COUNT]!; this.#entry++) {
      const entry = words[L.HEADER_CHAIN]! + this.#entry * L.CHAIN_ENTRY;
      encodeBase32hex(bytes, entry << 2, L.CHAIN_HASH_OCTETS, this.#hash, 1);
      if (!this.#putSet(writer, words[entry + L.CHAIN_RRSET]!, false, this.#hash, 0, HASH_LABEL)) return false;
    }
    return true;
  }

  #fillUnused(writer: TransferWriter): boolean {
    const { words, bytes, apex } = this.#image;
    for (; this.#entry < words[L.HEADER_UNUSED_COUNT]!; this.#entry++) {
      const entry = words[L.HEADER_UNUSED]! + this.#entry * L.UNUSED_ENTRY;
      const name = words[entry + L.UNUSED_OWNER]! << 2;
      const length = nameLength(bytes, name) - apex.length;
      if (!this.#putSet(writer, words[entry + L.UNUSED_RRSET]!, false, bytes, name, length)) return false;
    }
    return true;
  }

  /**
   * Writes an RRset with its signatures, or these alone: the SOA record has a place of its own. The owner is the current node, or
   * `length` octets of a name without the zone's.
   */
  #putSet(
    writer: TransferWriter,
    set: number,
    signaturesOnly: boolean,
    name?: Uint8Array,
    at = 0,
    length = 0,
  ): boolean {
    const { words } = this.#image;
    const records = words[set + L.RRSET_LENGTH]!;
    const signatures = words[set + L.RRSET_SIGNATURES]!;
    const from = signaturesOnly ? records : 0;
    const end = records + words[set + L.RRSET_SIGNATURES_LENGTH]!;
    const count = signaturesOnly ? signatures : (words[set + L.RRSET_INFO]! & L.RRSET_COUNT_MASK) + signatures;
    if (from === end) return true;
    if (this.#from === 0) {
      if (this.#put(writer, set, from, end, count, name, at, length)) return true;
      if (writer.count > 0) return false;
      this.#from = from;
    }
    return this.#putOneByOne(writer, set, end, name, at, length);
  }

  /** An RRset that no message has room for goes record by record. */
  #putOneByOne(
    writer: TransferWriter,
    set: number,
    end: number,
    name: Uint8Array | undefined,
    at: number,
    length: number,
  ): boolean {
    const { bytes } = this.#image;
    const data = (set + L.RRSET_DATA) << 2;
    for (let next = 0; this.#from < end; this.#from = next) {
      next = this.#from + L.RECORD_FIXED + readU16(bytes, data + this.#from + L.RECORD_RDLENGTH);
      if (this.#put(writer, set, this.#from, next, 1, name, at, length)) continue;
      if (writer.count === 0) throw new RecordTooLong(nameToText(this.#image.apex));
      return false;
    }
    this.#from = 0;
    return true;
  }

  #put(
    writer: TransferWriter,
    set: number,
    from: number,
    end: number,
    count: number,
    name: Uint8Array | undefined,
    at: number,
    length: number,
  ): boolean {
    const { path, depth } = this.#nodes;
    if (name === undefined) return writer.putOfNode(set, from, end, count, path, depth);
    return writer.putOfName(set, from, end, count, name, at, length);
  }
}
