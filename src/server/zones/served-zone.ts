/** The state of a zone from a file, and the outcome of a load. */
import { isLaterSerial } from '../../protocol/serial.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import type { ZoneResult } from './load-zone.js';
import { staleSerial } from './zone-mistakes.js';
import { NOTHING_DONE, type ZoneOutcome, type ZoneOutcomeKind } from './zone-outcome.js';

/** The state of a zone. */
export interface ServedZone {
  readonly apex: Uint8Array;
  readonly name: string;
  /** The file that the zone is served from. */
  readonly file: string;
  readonly failed: boolean;
  readonly kept: boolean;
  /** A number that changes with the image that is served. */
  readonly version: number;
  readonly signed: boolean;
  readonly signaturesExpire: number | undefined;
  readonly serial: number;
  readonly records: number;
  readonly octets: number;
  readonly loadedAt: number;
  readonly milliseconds: number;
  readonly nameservers: readonly string[];
}

/** The state of a zone that is answered with SERVFAIL. */
export const FAILED = {
  failed: true,
  kept: false,
  version: 0,
  signed: false,
  signaturesExpire: undefined,
  serial: 0,
  records: 0,
  octets: 0,
  loadedAt: 0,
  milliseconds: 0,
  nameservers: [],
};

/** The outcome of a zone; `group`: the results of its files, `more`: mistakes that are in no file alone. */
export function outcomeOf(
  key: string,
  before: ServedZone | undefined,
  after: ServedZone | undefined,
  group: readonly ZoneResult[],
  more: readonly Diagnostic[],
): ZoneOutcome {
  const name = (after ?? before)?.name ?? key;
  const was = before && !before.failed ? before.serial : undefined;
  if (after === undefined) return { ...NOTHING_DONE, name, file: before?.file ?? '', result: 'removed', before: was };
  const errors = more.filter(({ severity }) => severity === 'error').length;
  return {
    name,
    file: group[0]?.zone.file ?? after.file,
    result: kindOf(before, after),
    before: was,
    after: after.failed ? undefined : after.serial,
    diagnostics: [...group.flatMap((one) => one.diagnostics), ...more],
    errors: group.reduce((sum, one) => sum + one.errors, errors),
    warnings: group.reduce((sum, one) => sum + one.warnings, more.length - errors),
    milliseconds: group.reduce((sum, one) => sum + one.milliseconds, 0),
  };
}

function kindOf(before: ServedZone | undefined, after: ServedZone): ZoneOutcomeKind {
  if (after.failed) return 'failed';
  if (after.kept) return 'kept';
  if (before === undefined || before.failed) return 'added';
  return after.version === before.version ? 'unchanged' : 'loaded';
}

/** A warning when another content of a zone is served with a serial that has not risen. */
export function staleSerials(before: ServedZone | undefined, after: ServedZone | undefined): Diagnostic[] {
  if (before === undefined || after === undefined || kindOf(before, after) !== 'loaded') return [];
  return isLaterSerial(before.serial, after.serial) ? [] : [staleSerial(after.file, before.serial, after.serial)];
}

/** The outcome of a file whose zone is unknown. */
export function nameless({ zone, diagnostics, errors, warnings, milliseconds }: ZoneResult): ZoneOutcome {
  return { name: zone.file, file: zone.file, result: 'failed', diagnostics, errors, warnings, milliseconds };
}
