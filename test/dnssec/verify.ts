/** Verifies the signed zones of zones/, as they are and changed. Their signatures are valid from 2026 to 2060. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChooseVerifier } from '../../src/dnssec/verifier.js';
import { load } from '../../src/image/load.js';
import type { DnssecCheck } from '../../src/zone/check-signatures.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { printZone } from '../../src/zone/print.js';

export const NOW = Date.UTC(2026, 10, 30) / 1000;

interface Options {
  readonly check?: DnssecCheck;
  readonly now?: number;
  readonly chooseVerifier?: ChooseVerifier;
}

/** What is said about a zone. Its file is `z`. */
export function verify(
  lines: readonly string[],
  { check = 'strict', now = NOW, chooseVerifier }: Options = {},
): { readonly errors: string[]; readonly warnings: string[]; readonly signaturesExpire: number | undefined } {
  const { diagnostics, signaturesExpire } = load(
    { file: 'z', bytes: Buffer.from(`${lines.join('\n')}\n`, 'latin1') },
    { now, dnssecCheck: () => check, ...(chooseVerifier && { chooseVerifier }) },
  );
  // The zones have a CNAME that leads nowhere, on purpose.
  const texts = (severity: string): string[] =>
    diagnostics.list
      .filter((one) => one.severity === severity && !one.message.includes('found CNAME to missing.'))
      .map(formatDiagnostic);
  return { errors: texts('error'), warnings: texts('warning'), signaturesExpire };
}

/** The zone in canonical form, one record a line. */
export function linesOf(zone: 'nsec' | 'nsec3'): string[] {
  const file = join(import.meta.dirname, `../../zones/${zone}.test.zone`);
  const { rrsets } = load({ file, bytes: readFileSync(file) }, { now: NOW });
  let text = '';
  printZone(rrsets, (part) => {
    text += part;
  });
  return text.trimEnd().split('\n');
}
