/** The source of a zone, and the limits of reading it. */

/** A file in memory. */
export interface SourceFile {
  /** Its name in messages; `include` gets it as `from`. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A zone file and the way to the files it includes. */
export interface ZoneSource extends SourceFile {
  /** The origin before any $ORIGIN, in wire format; the root when there is none. */
  readonly origin?: Uint8Array;
  /** Seconds: as if a $TTL directive stood before the first line (RFC 2308 §4). */
  readonly defaultTtl?: number | undefined;
  /** The file that `$INCLUDE path` in the file `from` names, or the reason why it cannot be had. */
  include?(path: string, from: string): SourceFile | string;
}

/** Limits of reading one zone: a hostile file leads to an error within bounded time and memory. */
export interface ReadLimits {
  /** Files open within each other, the first one included. Default 16; 1 to 64; a guess: real zones nest one or two. */
  readonly maxIncludeDepth: number;
  /** Files in all. Default 10,000; 1 to 65,535 (the store numbers them in 16 bits); a guess. */
  readonly maxFiles: number;
  /** Octets of all files, and of all RDATA. Default 2^31, 1 to 2^32 - 1: the store counts octets of RDATA in 32 bits. */
  readonly maxOctets: number;
  /** Records that the $GENERATE directives of a zone make in all. Default 1,000,000; 0 to 2^31; a /12 of PTR records. */
  readonly maxGenerated: number;
  /** Octets of text that they make in all. Default 2^28; 0 to 2^31; 256 for each of a million records. */
  readonly maxGeneratedOctets: number;
}

export const DEFAULT_READ_LIMITS: ReadLimits = {
  maxIncludeDepth: 16,
  maxFiles: 10_000,
  maxOctets: 2 ** 31,
  maxGenerated: 1_000_000,
  maxGeneratedOctets: 2 ** 28,
};
