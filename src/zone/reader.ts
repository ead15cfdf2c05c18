/**
 * Reads zone files in master file format (RFC 1035 §5, RFC 2308 §4, RFC 3597 §5) into a RecordStore. Not here: classes
 * other than IN, and BIND's $DATE.
 */
import { ROOT } from '../protocol/name.js';
import { ZoneSyntaxError } from '../protocol/tokens.js';
import type { Diagnostics } from './diagnostics.js';
import { readDirective } from './directives.js';
import { openFile } from './include.js';
import { type FileContext, ReadContext } from './read-context.js';
import { readRecord } from './record.js';
import { DEFAULT_READ_LIMITS, type ReadLimits, type ZoneSource } from './source.js';
import { RecordStore } from './store.js';

const DOLLAR = 0x24;
/** Octets of a short record in a zone file; a low estimate makes a store that rarely has to grow. */
const OCTETS_PER_RECORD = 16;

/**
 * Reads all records of a zone. An error in the text goes to `diagnostics`, and reading goes on with the next entry until
 * the diagnostics are full; the store then holds the well-formed records. checkZone() judges whether they make a zone.
 * Never throws, for any octets.
 */
export function readZone(source: ZoneSource, diagnostics: Diagnostics, options: Partial<ReadLimits> = {}): RecordStore {
  const limits = { ...DEFAULT_READ_LIMITS, ...options };
  const store = new RecordStore(Math.ceil(source.bytes.length / OCTETS_PER_RECORD));
  if (source.bytes.length > limits.maxOctets) {
    const message = `found ${source.bytes.length} octets, expected at most ${limits.maxOctets}`;
    diagnostics.error(source.file, 1, 1, message);
    return store;
  }
  const read = new ReadContext(source, store, diagnostics, limits);
  openFile(read, source, source.origin ?? ROOT);
  for (let file = read.current; file !== undefined && !diagnostics.full; file = read.current) {
    try {
      readEntries(file);
    } catch (error) {
      if (!(error instanceof ZoneSyntaxError)) throw error;
      diagnostics.error(file.file, error.line, error.column, error.message);
    }
  }
  return store;
}

/** Reads entries up to the end of the file, to an $INCLUDE, or to the first error. */
function readEntries(file: FileContext): void {
  const { tokens, read } = file;
  const { bytes } = tokens;
  while (tokens.nextEntry()) {
    if (bytes[tokens.start] !== DOLLAR || tokens.leadingSpace) {
      readRecord(file);
    } else {
      readDirective(file);
      if (read.current !== file || read.diagnostics.full) return;
    }
  }
  read.current = file.above;
}
