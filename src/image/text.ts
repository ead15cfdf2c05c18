/**
 * The text of an image in presentation format: the zone as it is served, which its file may not be any more. It is made in
 * pieces, so that a zone of millions of records can be written beside other work.
 */
import { encodeBase32hex } from '../protocol/base32hex.js';
import { Type } from '../protocol/iana.js';
import { nameToText } from '../protocol/name.js';
import { rdataToText } from '../protocol/rdata/print.js';
import { typeToText } from '../protocol/rdata/table.js';
import { readRdata } from '../protocol/rdata/wire.js';
import * as L from './layout.js';

/** Characters of a piece, at least: some hundred records, which take about a millisecond. */
const PIECE = 32_768;
const POINTER = 0xc000;
/** Characters of a hash in base32hex. */
const HASH_CHARACTERS = 32;

interface Image {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly apex: Uint8Array;
}

/**
 * The zone of `octets`, an image: one record a line, names absolute, TTL and class everywhere, the apex with its SOA first,
 * each name after those above it. Reading it gives the same zone.
 */
export function* imageText(octets: Uint8Array): Generator<string, void> {
  const words = new Int32Array(octets.buffer, octets.byteOffset, octets.byteLength >> 2);
  const at = words[L.HEADER_NAME]! << 2;
  const apex = octets.slice(at, at + words[L.HEADER_NAME_LENGTH]!);
  const image: Image = { words, bytes: octets, apex };
  let text = '';
  for (const lines of recordsOf(image)) {
    text += lines;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** The lines of each RRset. */
function* recordsOf(image: Image): Generator<string, void> {
  const { words, apex } = image;
  const top = words[L.HEADER_APEX]!;
  const soa = entriesOf(image, top).find(([type]) => type === Type.SOA);
  if (soa) yield rrsetText(image, apex, soa[1]);
  // Nodes lie behind each other, each with its RRsets (layout.ts): no sorting is needed.
  for (let node = top, left = words[L.HEADER_NODE_COUNT]!; left > 0; left--) {
    const entries = entriesOf(image, node);
    const owner = ownerOf(image, node);
    for (const [type, set] of entries) if (node !== top || type !== Type.SOA) yield rrsetText(image, owner, set);
    const last = entries.at(-1);
    node = last ? endOfRrset(words, last[1]) : endOfNode(image, node);
  }
  for (let number = 0; number < words[L.HEADER_CHAIN_COUNT]!; number++) {
    const entry = words[L.HEADER_CHAIN]! + number * L.CHAIN_ENTRY;
    yield rrsetText(image, hashedOwner(image, entry), words[entry + L.CHAIN_RRSET]!);
  }
}

/** Type and reference of each RRset of a node. */
function entriesOf({ words, bytes }: Image, node: number): [number, number][] {
  let entry = node + L.NODE_LABEL + ((bytes[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
  const entries: [number, number][] = [];
  for (let i = words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT; i > 0; i--, entry += L.DIRECTORY_ENTRY) {
    entries.push([words[entry]!, words[entry + 1]!]);
  }
  return entries;
}

/** Where a node without RRsets ends. */
function endOfNode({ bytes }: Image, node: number): number {
  return node + L.NODE_LABEL + ((bytes[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
}

function endOfRrset(words: Int32Array, set: number): number {
  const extra = words[set + L.RRSET_EXTRA]!;
  if (extra !== 0) {
    const targets = extra + 1 + words[extra]!;
    return targets + 1 + 2 * words[targets]!;
  }
  const octets = words[set + L.RRSET_LENGTH]! + words[set + L.RRSET_SIGNATURES_LENGTH]!;
  return set + L.RRSET_DATA + ((octets + 3) >> 2);
}

/** A node's name in wire format. */
function ownerOf({ words, bytes, apex }: Image, node: number): Uint8Array {
  const labels: Uint8Array[] = [];
  for (let n = node; n !== words[L.HEADER_APEX]; n = words[n + L.NODE_PARENT]!) {
    const at = (n + L.NODE_LABEL) << 2;
    labels.push(bytes.subarray(at, at + bytes[at]! + 1));
  }
  return Buffer.concat([...labels, apex]);
}

/** The name of an NSEC3 record: its hash as a label of the apex. */
function hashedOwner({ bytes, apex }: Image, entry: number): Uint8Array {
  const label = new Uint8Array(1 + HASH_CHARACTERS);
  label[0] = encodeBase32hex(bytes, entry << 2, L.CHAIN_HASH_OCTETS, label, 1);
  return Buffer.concat([label, apex]);
}

/** The records of an RRset and the signatures over it, a line each. */
function rrsetText({ words, bytes, apex }: Image, owner: Uint8Array, set: number): string {
  const records = words[set + L.RRSET_LENGTH]!;
  const octets = records + words[set + L.RRSET_SIGNATURES_LENGTH]!;
  const at = (set + L.RRSET_DATA) << 2;
  // Laid out like a message, so that the pointers of names lead to the owner or to an earlier name.
  const message = Buffer.concat([owner, bytes.subarray(at, at + octets)]);
  setPointers(message, words, words[set + L.RRSET_EXTRA]!, owner.length, owner.length - apex.length);
  const name = nameToText(owner);
  let text = '';
  for (let record = owner.length; record < message.length; ) {
    const type = message.readUInt16BE(record + 2);
    const length = message.readUInt16BE(record + L.RECORD_RDLENGTH);
    const from = record + L.RECORD_FIXED;
    const rdata = rdataToText(type, readRdata(type, message, from, length));
    text += `${name} ${message.readUInt32BE(record + L.RECORD_TTL)} IN ${typeToText(type)} ${rdata}\n`;
    record = from + length;
  }
  return text;
}

/** Writes the compression pointers; `data`: where the records begin, `apex`: where the apex stands in the owner. */
function setPointers(message: Buffer, words: Int32Array, extra: number, data: number, apex: number): void {
  if (extra === 0) return;
  for (let i = 1; i <= words[extra]!; i++) {
    const fixup = words[extra + i]!;
    let target = apex;
    if ((fixup & L.FIXUP_OWNER) !== 0) target = 0;
    else if ((fixup & L.FIXUP_WITHIN) !== 0) target = data + (words[extra + ++i]! & L.WITHIN_MASK);
    message.writeUInt16BE(POINTER | target, data + (fixup & L.OFFSET_MASK));
  }
}
