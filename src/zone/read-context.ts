/** The state of reading a zone: of all files together, and of each open file. */
import type { Tokens } from '../protocol/tokens.js';
import type { Diagnostics } from './diagnostics.js';
import type { ReadLimits, ZoneSource } from './source.js';
import { type RecordStore, ROOT_NODE } from './store.js';

/** A TTL that is not known. */
export const NO_TTL = -1;
/** No owner yet: the file has not named one. */
export const NO_OWNER = -1;
/** No owner: the last one was malformed and is reported. Records that continue it are left out silently. */
export const BAD_OWNER = -2;

/** Longer than any name. Octets of a longer text are dropped at the end, and scanName() refuses it by its length. */
const NAME_SCRATCH = 1024;

/** One per zone. */
export class ReadContext {
  readonly source: ZoneSource;
  readonly store: RecordStore;
  readonly diagnostics: Diagnostics;
  readonly limits: ReadLimits;
  /** Room for a name in wire format. */
  readonly name = new Uint8Array(NAME_SCRATCH);
  /** The file that is being read; undefined at the end of the first one. */
  current: FileContext | undefined;
  files = 0;
  octets = 0;
  generated = 0;
  generatedOctets = 0;
  /** Seconds: of the last $TTL in any file, or of the SOA in its place. It goes on behind an included file (RFC 2308 §4). */
  defaultTtl: number;
  /** Seconds: the last TTL that a record stated, in any file (RFC 1035 §5.1). */
  lastTtl = NO_TTL;

  constructor(source: ZoneSource, store: RecordStore, diagnostics: Diagnostics, limits: ReadLimits) {
    this.source = source;
    this.defaultTtl = source.defaultTtl ?? NO_TTL;
    this.store = store;
    this.diagnostics = diagnostics;
    this.limits = limits;
  }
}

/**
 * One for each open file: origin and owner of an included file do not go on in the file above. RFC 1035 §5.1 says so of the origin, and
 * leaves the owner open; BIND and NSD let it begin as that of the file above, and end with the file.
 */
export class FileContext {
  readonly read: ReadContext;
  readonly file: string;
  /** Index of `file` in the store's `files`. */
  readonly number: number;
  /** The file that includes this one. */
  readonly above: FileContext | undefined;
  readonly depth: number;
  tokens: Tokens;
  /** In wire format. */
  origin: Uint8Array;
  originNode: number;
  /** The rest of an owner behind its first label: text suffixBytes[suffixStart … suffixEnd), node, and wire length. */
  suffixBytes: Uint8Array;
  suffixStart = 0;
  suffixEnd = 0;
  suffixNode = ROOT_NODE;
  suffixLength = 0;
  /** Node of the last owner, NO_OWNER or BAD_OWNER. */
  owner: number;
  /** Line and column that are noted for records of a $GENERATE; 0: each record has its own. */
  fixedLine = 0;
  fixedColumn = 0;

  constructor(read: ReadContext, tokens: Tokens, number: number, origin: Uint8Array, above?: FileContext) {
    this.read = read;
    this.tokens = tokens;
    this.file = tokens.file;
    this.number = number;
    this.above = above;
    this.depth = above === undefined ? 1 : above.depth + 1;
    this.owner = above?.owner ?? NO_OWNER;
    this.suffixBytes = tokens.bytes;
    this.origin = origin;
    this.originNode = ROOT_NODE;
    this.setOrigin(origin);
  }

  /** Sets the origin (wire format) of relative names. */
  setOrigin(origin: Uint8Array): void {
    this.origin = origin;
    this.originNode = this.read.store.intern(origin);
    // A relative suffix means another name now.
    this.suffixEnd = this.suffixStart;
  }
}
