/** Prints an image for humans: header, nodes with their RRsets, NSEC3 chain, hash table (layout.ts says what they are). */

import { isImage } from '../../src/image/catalog.js';
import * as L from '../../src/image/layout.js';
import { labelToText, nameToText } from '../../src/protocol/name.js';
import { typeToText } from '../../src/protocol/rdata/table.js';

/** Passes the description of `image` to `write`, line by line, each with its line feed. */
export function dumpImage(image: Uint8Array, write: (text: string) => void): void {
  if (!isImage(image)) {
    write('not a zone image of this format\n');
    return;
  }
  const words = new Int32Array(image.buffer, image.byteOffset, image.byteLength >> 2);
  const header = (field: number): number => words[field]!;
  write(`zone ${nameToText(image, header(L.HEADER_NAME) << 2)} serial ${header(L.HEADER_SERIAL) >>> 0}\n`);
  const records = header(L.HEADER_RECORD_COUNT);
  write(`image format ${header(L.HEADER_FORMAT)}, ${header(L.HEADER_SIZE) * 4} octets, `);
  write(`${((header(L.HEADER_SIZE) * 4) / Math.max(1, records)).toFixed(1)} per record\n`);
  write(`records ${records}, nodes ${header(L.HEADER_NODE_COUNT)}, flags ${flagNames(header(L.HEADER_FLAGS))}\n`);
  const table = header(L.HEADER_TABLE);
  const slots = header(L.HEADER_MASK) + 1;
  write(`hash table at ${table}, ${slots} slots, longest search ${header(L.HEADER_LONGEST_PROBE)}\n`);
  const nodes = [header(L.HEADER_APEX)];
  for (let slot = 0; slot < slots; slot++) {
    const node = words[table + slot * L.SLOT_WORDS + L.SLOT_NODE]!;
    if (node !== 0) nodes.push(node);
  }
  nodes.sort((a, b) => a - b);
  for (const node of nodes) dumpNode(image, words, node, write);
  dumpChain(image, words, write);
}

function flagNames(flags: number): string {
  const names = [
    [L.FLAG_NSEC, 'NSEC'],
    [L.FLAG_NSEC3, 'NSEC3'],
    [L.FLAG_ROOT, 'root'],
  ] as const;
  return (
    names
      .filter(([bit]) => (flags & bit) !== 0)
      .map(([, name]) => name)
      .join(' ') || 'none'
  );
}

function nodeName(image: Uint8Array, words: Int32Array, node: number): string {
  let name = '';
  for (let n = node; n !== words[L.HEADER_APEX]; n = words[n + L.NODE_PARENT]!) {
    name += `${labelToText(image, (n + L.NODE_LABEL) << 2)}.`;
  }
  const apex = nameToText(image, words[L.HEADER_NAME]! << 2);
  return apex === '.' && name !== '' ? name : name + apex;
}

function dumpNode(image: Uint8Array, words: Int32Array, node: number, write: (text: string) => void): void {
  const info = words[node + L.NODE_INFO]!;
  const marks = [
    [L.NODE_CUT, 'cut'],
    [L.NODE_DNAME, 'dname'],
    [L.NODE_CNAME, 'cname'],
    [L.NODE_OCCLUDED, 'occluded'],
  ] as const;
  const names = marks.filter(([bit]) => (info & bit) !== 0).map(([, name]) => ` ${name}`);
  const links = [
    ['parent', L.NODE_PARENT],
    ['wildcard', L.NODE_WILDCARD],
    ['proof', L.NODE_PROOF],
    ['children', L.NODE_CHILDREN],
  ] as const;
  const shown = links
    .filter(([, word]) => words[node + word] !== 0)
    .map(([name, word]) => ` ${name}=${words[node + word]}`);
  write(`node ${node} ${nodeName(image, words, node)}${names.join('')}${shown.join('')}\n`);
  let entry = node + L.NODE_LABEL + ((image[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
  for (let i = info >>> L.NODE_COUNT_SHIFT; i > 0; i--, entry += L.DIRECTORY_ENTRY) {
    write(`  ${typeToText(words[entry]!)} ${describeRrset(image, words, words[entry + 1]!)}\n`);
  }
}

function describeRrset(image: Uint8Array, words: Int32Array, ref: number): string {
  const info = words[ref + L.RRSET_INFO]!;
  const at = (ref + L.RRSET_DATA) << 2;
  const ttl = new DataView(image.buffer, image.byteOffset + at + L.RECORD_TTL, 4).getUint32(0);
  const extra = words[ref + L.RRSET_EXTRA]!;
  const fixups = extra === 0 ? 0 : pointerCount(words, extra);
  return (
    `at ${ref}: ${info & L.RRSET_COUNT_MASK} records, ${words[ref + L.RRSET_LENGTH]} octets, TTL ${ttl}` +
    `, ${words[ref + L.RRSET_SIGNATURES]} signatures, ${fixups} pointers` +
    `${(info & L.RRSET_TARGET_IN_ZONE) !== 0 ? ', first name in zone' : ''}`
  );
}

function pointerCount(words: Int32Array, extra: number): number {
  let pointers = 0;
  for (let i = 1; i <= words[extra]!; i++, pointers++) if ((words[extra + i]! & L.FIXUP_WITHIN) !== 0) i++;
  return pointers;
}

function dumpChain(image: Uint8Array, words: Int32Array, write: (text: string) => void): void {
  const count = words[L.HEADER_CHAIN_COUNT]!;
  if (count === 0) return;
  const salt = words[L.HEADER_SALT]! << 2;
  const saltText = Buffer.from(image.subarray(salt, salt + words[L.HEADER_SALT_LENGTH]!)).toString('hex') || '-';
  write(`chain of ${count} NSEC3, iterations ${words[L.HEADER_ITERATIONS]}, salt ${saltText}\n`);
  for (let i = 0; i < count; i++) {
    const entry = words[L.HEADER_CHAIN]! + i * L.CHAIN_ENTRY;
    const hash = Buffer.from(image.subarray(entry << 2, (entry << 2) + L.CHAIN_HASH_OCTETS)).toString('hex');
    write(`  ${i} ${hash} ${describeRrset(image, words, words[entry + L.CHAIN_RRSET]!)}\n`);
  }
}
