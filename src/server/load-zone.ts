/** One zone from its file to its image. Runs in the loader thread, or in the caller's when zones are small. */

import { AdotdError } from '../errors.js';
import * as L from '../image/layout.js';
import { type Loaded, load } from '../image/load.js';
import { nameFromText, nameToText } from '../protocol/name.js';
import type { Diagnostic } from '../zone/diagnostics.js';
import { originOfFile } from '../zone/filename.js';
import { includer, readZoneFile } from '../zone/files.js';
import { nameserversOf } from '../zone/nameservers.js';
import type { ZoneFile } from './zone-source.js';

/** How zones are loaded. Plain data: it is handed to the loader thread. */
export interface ZoneLoadOptions {
  /** Seconds since 1970. */
  readonly now: number;
  /** Default: that of the zone checks. */
  readonly nsec3MaxIterations?: number;
  /** Errors, and warnings, that are listed. */
  readonly maxDiagnostics?: number;
}

/** What came of one zone file. Plain data: it comes from the loader thread. */
export interface ZoneResult {
  readonly zone: ZoneFile;
  /** The zone's name in wire format; when it has no SOA record, what the file's name says; undefined when neither does. */
  readonly apex: Uint8Array | undefined;
  /** The same in presentation format. */
  readonly name: string | undefined;
  readonly serial: number;
  readonly records: number;
  /** Names in the NS records of the apex, absolute, in lower case. */
  readonly nameservers: readonly string[];
  /** Over a SharedArrayBuffer of its own when large, a copy when small; undefined when there were errors. */
  readonly image: Uint8Array | undefined;
  /** Whether the zone has a chain of denial (NSEC or NSEC3). */
  readonly signed: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** How many there were; some may not be listed. */
  readonly errors: number;
  readonly warnings: number;
}

/** Octets: images up to this are copied out of the room they were compiled in, which is many times larger. */
const SMALL_IMAGE = 64 * 1024;

/**
 * Loads one zone. What is wrong with it is in the result's diagnostics; nothing is thrown. `inspect` is shown what was
 * loaded, records and all, before it is let go.
 */
export function loadZone(zone: ZoneFile, options: ZoneLoadOptions, inspect?: (loaded: Loaded) => void): ZoneResult {
  let origin: Uint8Array | undefined;
  try {
    origin = zone.name === undefined ? originOfFile(zone.file) : nameFromText(zone.name);
    const bytes = zone.text === undefined ? readZoneFile(zone.file) : Buffer.from(zone.text, 'utf8');
    const include = zone.text === undefined ? includer(zone.file) : undefined;
    const source = { file: zone.file, bytes, ...(origin && { origin }), ...(include && { include }) };
    const loaded = load(source, options);
    inspect?.(loaded);
    const { apex, serial, records, image, diagnostics, rrsets } = loaded;
    const { list, errors, warnings } = diagnostics;
    const kept = image && image.byteLength <= SMALL_IMAGE ? Uint8Array.from(image) : image;
    return {
      zone,
      ...named(apex ?? origin),
      serial,
      records,
      nameservers: apex === undefined ? [] : nameserversOf(rrsets, apex),
      image: kept,
      signed: kept !== undefined && hasDenial(kept),
      diagnostics: list,
      errors,
      warnings,
    };
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    const { message } = error;
    const diagnostic: Diagnostic = { severity: 'error', file: zone.file, line: 1, column: 1, message };
    return {
      zone,
      ...named(origin),
      serial: 0,
      records: 0,
      nameservers: [],
      image: undefined,
      signed: false,
      diagnostics: [diagnostic],
      errors: 1,
      warnings: 0,
    };
  }
}

function named(apex: Uint8Array | undefined): Pick<ZoneResult, 'apex' | 'name'> {
  return { apex, name: apex && nameToText(apex) };
}

function hasDenial(image: Uint8Array): boolean {
  const header = new Int32Array(image.buffer, image.byteOffset, L.HEADER_WORDS);
  return ((header[L.HEADER_FLAGS] ?? 0) & (L.FLAG_NSEC | L.FLAG_NSEC3)) !== 0;
}
