/** One zone from its file to its image. Runs in the loader thread, or in the caller's when zones are small. */
import { dirname, isAbsolute, join } from 'node:path';
import { AdotdError } from '../../errors.js';
import * as L from '../../image/layout.js';
import { type Loaded, load } from '../../image/load.js';
import { nameFromText, nameToText } from '../../protocol/name.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import { originOfFile } from '../../zone/filename.js';
import { includer, readZoneFile } from '../../zone/files.js';
import { nameserversOf } from '../../zone/nameservers.js';
import { type SourceState, sameSources, sourceState, unreadable } from './source-state.js';
import type { ZoneFile } from './zone-files.js';

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
  /** The files it was read from, those included among them, as they were. */
  readonly sources: readonly SourceState[];
  /** Time that loading took. */
  readonly milliseconds: number;
}

/** A zone whose files have the same content as when they were loaded: nothing was done. Plain data. */
export interface UnchangedZone {
  readonly zone: ZoneFile;
  readonly unchanged: true;
  readonly sources: readonly SourceState[];
}

/** A zone to load; when what it is `known` from has not changed, it is left alone. Plain data. */
export interface ZoneTask {
  readonly zone: ZoneFile;
  readonly known?: readonly SourceState[] | undefined;
}

/** Loads a zone unless it is as it was; as loadZone(). */
export function loadChanged({ zone, known }: ZoneTask, options: ZoneLoadOptions): ZoneResult | UnchangedZone {
  const sources = known && sameSources(known);
  return sources ? { zone, unchanged: true, sources } : loadZone(zone, options);
}

/** Octets: images up to this are copied out of the room they were compiled in, which is many times larger. */
const SMALL_IMAGE = 64 * 1024;

/**
 * Loads one zone. What is wrong with it is in the result's diagnostics; nothing is thrown. `inspect` is shown what was
 * loaded, records and all, before it is let go.
 */
export function loadZone(zone: ZoneFile, options: ZoneLoadOptions, inspect?: (loaded: Loaded) => void): ZoneResult {
  const began = performance.now();
  const sources: SourceState[] = [];
  const milliseconds = (): number => performance.now() - began;
  let origin: Uint8Array | undefined;
  try {
    origin = zone.name === undefined ? originOfFile(zone.file) : nameFromText(zone.name);
    const bytes = zone.text === undefined ? readNoted(zone.file, sources) : Buffer.from(zone.text, 'utf8');
    const include = zone.text === undefined ? notingIncluder(zone.file, sources) : undefined;
    const { file, defaultTtl } = zone;
    const source = { file, bytes, defaultTtl, ...(origin && { origin }), ...(include && { include }) };
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
      sources,
      milliseconds: milliseconds(),
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
      sources,
      milliseconds: milliseconds(),
    };
  }
}

function readNoted(file: string, sources: SourceState[]): Uint8Array {
  try {
    const bytes = readZoneFile(file);
    sources.push(sourceState(file, bytes));
    return bytes;
  } catch (error) {
    sources.push(unreadable(file));
    throw error;
  }
}

/** An includer that notes what was included, and what could not be: it may be there later. */
function notingIncluder(file: string, sources: SourceState[]): ReturnType<typeof includer> {
  const include = includer(file);
  return (path, from) => {
    const found = include(path, from);
    if (typeof found === 'string') sources.push(unreadable(isAbsolute(path) ? path : join(dirname(from), path)));
    else sources.push(sourceState(found.file, found.bytes));
    return found;
  };
}

function named(apex: Uint8Array | undefined): Pick<ZoneResult, 'apex' | 'name'> {
  return { apex, name: apex && nameToText(apex) };
}

function hasDenial(image: Uint8Array): boolean {
  const header = new Int32Array(image.buffer, image.byteOffset, L.HEADER_WORDS);
  return ((header[L.HEADER_FLAGS] ?? 0) & (L.FLAG_NSEC | L.FLAG_NSEC3)) !== 0;
}
