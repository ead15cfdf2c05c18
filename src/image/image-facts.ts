/** The facts that the header of an image has about its zone. */
import * as L from './layout.js';

interface ImageFacts {
  /** Name of the zone in wire format. */
  readonly apex: Uint8Array;
  readonly serial: number;
  readonly records: number;
  /** Seconds: EXPIRE of the SOA record. */
  readonly expire: number;
  /** Seconds: the largest TTL of the content. Caches may hold served records for this time. */
  readonly largestTtl: number;
  /** Whether the zone has a chain of NSEC or NSEC3 records. */
  readonly signed: boolean;
}

export function imageFacts(image: Uint8Array): ImageFacts {
  const words = new Int32Array(image.buffer, image.byteOffset, L.HEADER_WORDS);
  const at = words[L.HEADER_NAME]! << 2;
  return {
    apex: Uint8Array.from(image.subarray(at, at + words[L.HEADER_NAME_LENGTH]!)),
    serial: words[L.HEADER_SERIAL]! >>> 0,
    records: words[L.HEADER_RECORD_COUNT]!,
    expire: words[L.HEADER_EXPIRE]! >>> 0,
    largestTtl: words[L.HEADER_LARGEST_TTL]! >>> 0,
    signed: (words[L.HEADER_FLAGS]! & (L.FLAG_NSEC | L.FLAG_NSEC3)) !== 0,
  };
}
