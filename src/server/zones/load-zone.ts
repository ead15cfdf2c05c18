/** Loads one zone from its file to its image, in the loader thread or, when zones are small, in the calling one. */
import { dirname, isAbsolute, join } from 'node:path';
import { type PolicyChoice, policyIndex } from '../../config/policy-choice.js';
import type { ChooseVerifier } from '../../dnssec/verifier.js';
import { AdotdError } from '../../errors.js';
import { imageFacts } from '../../image/image-facts.js';
import { type Loaded, load } from '../../image/load.js';
import { nameFromText, nameKey, nameToText, sameName } from '../../protocol/name.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { DnssecCheck } from '../../zone/check-signatures.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import { originOfFile } from '../../zone/filename.js';
import { includer, readZoneFile } from '../../zone/files.js';
import { nameserversOf } from '../../zone/nameservers.js';
import { expireMistake, type SignersRecord, type SigningLimits, signersRecordAt } from '../signing/file-mistakes.js';
import { type SourceState, sameSources, sourceState, unreadable } from './source-state.js';
import type { ZoneFile } from './zone-files.js';

/** Options of loading zones. Plain data: they are posted to the loader thread. */
export interface ZoneLoadOptions {
  /** Seconds since 1970. */
  readonly now: number;
  /** Default: that of the zone checks. */
  readonly nsec3MaxIterations?: number;
  /** The number of errors, and of warnings, that are listed at most. */
  readonly maxDiagnostics?: number;
  /** Whether images are wanted, and not only the mistakes. Default: true. */
  readonly compile?: boolean;
  /** Default: dates only. */
  readonly dnssecChecks?: DnssecChecks;
}

/** The checks of signed zones. Plain data. */
export interface DnssecChecks {
  readonly otherwise: DnssecCheck;
  /** The choice of a policy for each zone, and the settings of each policy. */
  readonly policies?: {
    readonly choice: PolicyChoice;
    readonly checks: readonly (DnssecCheck | undefined)[];
    /** undefined: zones of the policy are not signed here. */
    readonly signing: readonly (SigningLimits | undefined)[];
  };
}

/** The check of the zone of this key. */
export function checkOf(key: string, { policies, otherwise }: DnssecChecks): DnssecCheck {
  return policies?.checks[policyIndex(policies.choice, key)] ?? otherwise;
}

/** The limits on the zone of this key if it is signed here; undefined: it is not. */
export function signingOf(key: string, { policies }: DnssecChecks): SigningLimits | undefined {
  return policies?.signing[policyIndex(policies.choice, key)];
}

/** Functions that take part in loading a zone. */
export interface ZoneLoadHooks {
  /** Called with the records while they are still there. */
  inspect?(loaded: Loaded): void;
  /** Chooses the verifier of signatures; default: the calling thread. */
  readonly chooseVerifier?: ChooseVerifier;
}

/** The result of loading one zone file. Plain data: the loader thread posts it. */
export interface ZoneResult {
  readonly zone: ZoneFile;
  /** The zone's name in wire format, from its SOA record or else from the file's name; undefined without either. */
  readonly apex: Uint8Array | undefined;
  /** The same in presentation format. */
  readonly name: string | undefined;
  readonly serial: number;
  readonly records: number;
  /** Names in the NS records of the apex, absolute, in lower case. */
  readonly nameservers: readonly string[];
  /** A large image has a SharedArrayBuffer of its own, a small one is a copy; undefined after errors, or if none was wanted. */
  readonly image: Uint8Array | undefined;
  /** Differences that lead to the image, oldest first. */
  readonly history?: readonly Difference[] | undefined;
  /** Whether the zone has a chain of denial (NSEC or NSEC3). */
  readonly signed: boolean;
  /** The first record that only a signer makes. */
  readonly signersRecord?: SignersRecord | undefined;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** All, including those that are not listed. */
  readonly errors: number;
  readonly warnings: number;
  /** The states of all files that were read, those of $INCLUDE too. */
  readonly sources: readonly SourceState[];
  /** The time that loading took. */
  readonly milliseconds: number;
}

/** The result for a zone whose files have not changed since they were loaded. Plain data. */
export interface UnchangedZone {
  readonly zone: ZoneFile;
  readonly unchanged: true;
  readonly sources: readonly SourceState[];
}

/** A zone to load, unless its files are still in the `known` states. Plain data. */
export interface ZoneTask {
  readonly zone: ZoneFile;
  readonly known?: readonly SourceState[] | undefined;
}

/** As loadZone(), but a zone that has not changed is not loaded. */
export function loadChanged({ zone, known }: ZoneTask, options: ZoneLoadOptions): ZoneResult | UnchangedZone {
  const sources = known && sameSources(known);
  return sources ? { zone, unchanged: true, sources } : loadZone(zone, options);
}

/** Octets: images up to this size are copied out of the buffer that they were compiled in, which is many times larger. */
const SMALL_IMAGE = 64 * 1024;

/**
 * Loads one zone. Its mistakes are in the diagnostics of the result; nothing is thrown.
 */
export function loadZone(
  zone: ZoneFile,
  options: ZoneLoadOptions,
  { inspect, chooseVerifier }: ZoneLoadHooks = {},
): ZoneResult {
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
    const { dnssecChecks } = options;
    const loaded = load(source, {
      ...options,
      ...(dnssecChecks && { dnssecCheck: (apex) => checkOf(nameKey(apex), dnssecChecks) }),
      ...(chooseVerifier && { chooseVerifier }),
    });
    // The zone is served all the same: secondaries are in danger only when they do not reach this server.
    const limits = loaded.apex && dnssecChecks && signingOf(nameKey(loaded.apex), dnssecChecks);
    const mistake = limits && loaded.apex && expireMistake(loaded.rrsets, loaded.apex, limits);
    if (mistake) loaded.diagnostics.error(mistake.file, mistake.line, mistake.column, mistake.message);
    inspect?.(loaded);
    const { apex, serial, records, image, signaturesExpire, diagnostics, rrsets } = loaded;
    if (zone.name !== undefined && apex !== undefined && !sameName(apex, 0, origin, 0)) {
      const found = `found zone ${nameToText(apex)} in the file that is given as ${nameToText(origin)}`;
      diagnostics.warning(zone.file, 1, 1, `${found}; its SOA record names the zone`);
    }
    const { list, errors, warnings } = diagnostics;
    const kept = image && image.byteLength <= SMALL_IMAGE ? Uint8Array.from(image) : image;
    return {
      zone,
      ...named(apex ?? origin),
      serial,
      records,
      nameservers: apex === undefined ? [] : nameserversOf(rrsets, apex),
      image: kept,
      signed: kept !== undefined && imageFacts(kept).signed,
      signersRecord: kept && signersRecordAt(rrsets, limits?.hasOtherSigners ?? false),
      signaturesExpire,
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
      signaturesExpire: undefined,
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

/** An includer that notes every included file, even a missing one: it may be there at the next reload. */
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
