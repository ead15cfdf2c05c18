/** An image as transfers read it: it is pinned as long as somebody holds this object, even if another image is served meanwhile. */
import * as L from '../../image/layout.js';

export interface ImageView {
  /** From the first word of the image on. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** The zone's name in wire format. */
  readonly apex: Uint8Array;
  readonly serial: number;
}

/** The image whose first word is `base` of a segment of the catalog. */
export function imageView(
  segment: { readonly words: Int32Array; readonly bytes: Uint8Array },
  base: number,
): ImageView {
  const size = segment.words[base + L.HEADER_SIZE]!;
  const words = segment.words.subarray(base, base + size);
  const bytes = segment.bytes.subarray(base << 2, (base + size) << 2);
  const name = words[L.HEADER_NAME]! << 2;
  return {
    words,
    bytes,
    apex: bytes.slice(name, name + words[L.HEADER_NAME_LENGTH]!),
    serial: words[L.HEADER_SERIAL]! >>> 0,
  };
}

/** Word of the RRset of `type` at the node `node`; 0: it has none. */
export function rrsetAt({ words, bytes }: ImageView, node: number, type: number): number {
  let entry = directoryAt(bytes, node);
  for (let i = words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT; i > 0; i--, entry += L.DIRECTORY_ENTRY)
    if (words[entry] === type) return words[entry + 1]!;
  return 0;
}

/** Word at which the directory of the node `node` begins. */
export function directoryAt(bytes: Uint8Array, node: number): number {
  const label = node + L.NODE_LABEL;
  return label + ((bytes[label << 2]! + 4) >> 2);
}
