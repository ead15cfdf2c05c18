/** `adotd check`: finds mistakes in configurations, zone files and folders. */
import { statSync } from 'node:fs';
import { ConfigError } from '../config/config-error.js';
import type { Config } from '../config/schema.js';
import { AdotdError, counted, ErrorCode, systemReason } from '../errors.js';
import type { Loaded } from '../image/load.js';
import { nameKey, nameToText, zoneKey } from '../protocol/name.js';
import { configuredZones, filesOfTransferred, type PlaceOf } from '../server/policies.js';
import { leaksOfZone, policyMistakes, tlsZones } from '../server/policy-leaks.js';
import { signedElsewhereMistake } from '../server/signing/file-mistakes.js';
import {
  type DnssecChecks,
  loadZone,
  signingOf,
  type ZoneLoadHooks,
  type ZoneLoadOptions,
  type ZoneResult,
} from '../server/zones/load-zone.js';
import { VerifyingThreads } from '../server/zones/verifying-threads.js';
import { withoutZoneFiles, type ZoneFile, zoneFilesOf, zonesOfConfig } from '../server/zones/zone-files.js';
import { zoneConflicts } from '../server/zones/zone-mistakes.js';

import { type Diagnostic, formatDiagnostic } from '../zone/diagnostics.js';
import { zoneKeyOfFile } from '../zone/filename.js';
import { printZone } from '../zone/print.js';
import { Exit, type Options, parse, UsageError, type Verb } from './arguments.js';
import { namedZones } from './named-zones.js';

const OPTIONS = {
  format: { type: 'string', default: 'text' },
  limit: { type: 'string', default: '20' },
  print: { type: 'boolean' },
  strict: { type: 'boolean' },
  force: { type: 'boolean' },
  zone: { type: 'string', multiple: true },
} as const satisfies Options;

export const check: Verb = {
  help: `usage: adotd check [OPTION...] CONFIG|ZONEFILE|DIR|--zone NAME=FILE...

Checks configurations (*.yaml, *.yml), zone files, and the *.zone files in folders. A configuration is checked together
with the zones, certificates, keys, accounts and stored state that it names; standard error says which zones the server would sign.
Binds and writes nothing. It reads files as the user who runs it, so run it as the user of the server.

Signed zones are verified whole, on all CPUs: signatures, the chain of NSEC or NSEC3 records, and the digest in ZONEMD.

Prints file:line:column: message for each mistake, and warns when other zones give away records of a zone that requires
TLS. Exit status 0, or 1 if there are errors; warnings count only with --strict.

  --zone NAME=FILE     check this file, whatever it is called, as the zone NAME; may be repeated
  --format text|json   json: one object with errors, warnings, a list of diagnostics, and zones to be signed
  --limit N            how many errors, and how many warnings, are listed per zone (default 20)
  --print              print the zones in canonical form; diagnostics go to standard error
  --strict             exit status 1 also if there are warnings
  --force              only warn of settings that break what signals of DNS over TLS still promise
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('check', words, OPTIONS);
    const named = namedZones('check', values.zone);
    if (positionals.length + named.length === 0)
      throw new UsageError('adotd check: nothing to check; give a file, a folder or --zone NAME=FILE');
    if (values.format !== 'text' && values.format !== 'json') {
      throw new UsageError(`adotd check: --format: found ${values.format}, expected text or json`);
    }
    if (!/^[1-9][0-9]{0,8}$/.test(values.limit)) {
      throw new UsageError(`adotd check: --limit: found ${values.limit}, expected a number of at least 1`);
    }
    const options = {
      now: Math.floor(Date.now() / 1000),
      maxDiagnostics: Number(values.limit),
      dnssecChecks: { otherwise: 'strict' },
      compile: false,
      isForced: values.force ?? false,
    } as const;
    const out = (text: string): void => void process.stdout.write(text);
    const inspect = (loaded: Loaded): void => {
      if (values.print && loaded.diagnostics.errors === 0) printZone(loaded.rrsets, out);
    };
    const findings = createFindings();
    const threads = new VerifyingThreads();
    const hooks = { inspect, chooseVerifier: threads.choose };
    for (const path of positionals) await checkPath(path, options, hooks, findings);
    checkZones(named, options, hooks, findings);
    threads.close();
    if (values.format === 'json') out(`${JSON.stringify(findings, undefined, 2)}\n`);
    else printText(findings, values.print ? process.stderr : process.stdout);
    const failed = findings.errors + (values.strict ? findings.warnings : 0);
    return failed > 0 ? Exit.FAILED : Exit.OK;
  },
};

/** Zones that are listed as signed; --format json has all. A guess. */
const SIGNED_LISTED = 20;

interface Findings {
  zones: number;
  errors: number;
  warnings: number;
  /** Zones that the server would sign, each with its policy of signing. */
  signed: { readonly zone: string; readonly policy: string }[];
  diagnostics: Diagnostic[];
}

function createFindings(): Findings {
  return { zones: 0, errors: 0, warnings: 0, signed: [], diagnostics: [] };
}

type CheckOptions = ZoneLoadOptions & { readonly maxDiagnostics: number; readonly isForced: boolean };
type Hooks = Required<ZoneLoadHooks>;

async function checkPath(path: string, options: CheckOptions, hooks: Hooks, findings: Findings): Promise<void> {
  try {
    if (stat(path).isDirectory()) checkFolder(path, options, hooks, findings);
    else if (/\.ya?ml$/i.test(path)) await checkConfig(path, options, hooks, findings);
    else checkZones([{ file: path }], options, hooks, findings);
  } catch (error) {
    if (error instanceof ConfigError) for (const diagnostic of error.diagnostics) add(findings, diagnostic);
    else if (error instanceof AdotdError) {
      add(findings, { severity: 'error', file: path, line: 1, column: 1, message: error.message });
    } else throw error;
  }
}

/** Checks the zones of a folder; one without zone files is a mistake: its files may have other names. */
function checkFolder(folder: string, options: CheckOptions, hooks: Hooks, findings: Findings): void {
  const files = zoneFilesOf(folder);
  if (files.length === 0)
    add(findings, { severity: 'error', file: folder, line: 1, column: 1, message: withoutZoneFiles(folder) });
  checkZones(files, options, hooks, findings);
}

async function checkConfig(path: string, options: CheckOptions, hooks: Hooks, findings: Findings): Promise<void> {
  // Loaded only here: YAML and the schema take as long to load as a small zone takes to check.
  const { configPlaces, openConfig } = await import('../config/load.js');
  const { dnssecChecksOf } = await import('../server/signing/dnssec-checks.js');
  const { certificateMistakes, startMistakes } = await import('../server/checks/start-check.js');
  const { stateMistakes } = await import('../server/checks/state-check.js');
  const { config, text } = openConfig(path, (warning) => add(findings, warning));
  const placeOf = configPlaces(path, text);
  for (const mistake of startMistakes(config, placeOf)) add(findings, mistake);
  const { policies } = config.zones;
  const files = listed(config, placeOf, findings);
  const others = configuredZones(config);
  const expected = files.flatMap(({ file, name }) => (name === undefined ? zoneKeyOfFile(file) : zoneKey(name)) ?? []);
  const secret = tlsZones(policies, [...expected, ...others]);
  // Everything is checked, whatever the server checks.
  const dnssecChecks = withAllChecks(dnssecChecksOf(config));
  const results = checkZones(
    files,
    { ...options, nsec3MaxIterations: config.nsec3_max_iterations, dnssecChecks },
    {
      ...hooks,
      inspect(loaded) {
        hooks.inspect(loaded);
        addAll(findings, leaksOfZone(loaded, secret, options.maxDiagnostics));
        noteSigning(loaded, dnssecChecks, findings);
      },
    },
    findings,
  );
  const nameservers = results.flatMap((result) => result.nameservers);
  for (const mistake of certificateMistakes(config, nameservers, placeOf, options.now)) add(findings, mistake);
  const fileOf = new Map(
    results.flatMap(({ name, zone }) => (name === undefined ? [] : [[zoneKey(name), zone.file] as const])),
  );
  for (const mistake of filesOfTransferred(config, fileOf, placeOf)) add(findings, mistake);
  const served = new Set([...others, ...results.flatMap(({ name }) => (name === undefined ? [] : zoneKey(name)))]);
  for (const mistake of stateMistakes(config, { served, ...options }, placeOf)) add(findings, mistake);
  if (policies.length === 0) return;
  for (const mistake of policyMistakes(policies, served, placeOf)) add(findings, mistake);
}

function withAllChecks({ policies }: DnssecChecks): DnssecChecks {
  return { otherwise: 'strict', ...(policies && { policies: { ...policies, checks: [] } }) };
}

/** Notes whether a zone would be signed; if its file was signed elsewhere, that is an error. */
function noteSigning({ apex, rrsets }: Loaded, checks: DnssecChecks, findings: Findings): void {
  const limits = apex && signingOf(nameKey(apex), checks);
  if (apex === undefined || limits === undefined) return;
  const mistake = signedElsewhereMistake(rrsets, limits);
  if (mistake === undefined) findings.signed.push({ zone: nameToText(apex), policy: limits.policy });
  else add(findings, mistake);
}

/** Loads the zones, one after the other, and adds their mistakes. The results have no images. */
function checkZones(
  zones: readonly ZoneFile[],
  options: CheckOptions,
  hooks: Hooks,
  findings: Findings,
): readonly ZoneResult[] {
  const results: ZoneResult[] = [];
  for (const zone of zones) {
    const result = loadZone(zone, options, hooks);
    results.push(result);
    findings.zones++;
    const { diagnostics: list, errors, warnings } = result;
    addAll(findings, { list, errors, warnings });
  }
  for (const conflict of zoneConflicts(results)) add(findings, conflict);
  return results;
}

/** The zones of a configuration. If they cannot be listed, there is an error, and no zones. */
function listed(config: Config, placeOf: PlaceOf, findings: Findings): ZoneFile[] {
  const { folder } = config.zones;
  try {
    const zones = zonesOfConfig(config);
    if (zones.length === 0 && folder !== undefined)
      add(findings, { ...placeOf(['zones', 'folder']), severity: 'warning', message: withoutZoneFiles(folder) });
    return zones;
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    add(findings, { ...placeOf(['zones', 'folder']), severity: 'error', message: error.message });
    return [];
  }
}

interface Found {
  readonly list: readonly Diagnostic[];
  /** All, including those that are not listed. */
  readonly errors: number;
  readonly warnings: number;
}

/** Adds the mistakes of one zone, some of which may only be counted. */
function addAll(findings: Findings, { list, errors, warnings }: Found): void {
  findings.errors += errors;
  findings.warnings += warnings;
  findings.diagnostics.push(...list);
}

function add(findings: Findings, diagnostic: Diagnostic): void {
  findings.diagnostics.push(diagnostic);
  if (diagnostic.severity === 'error') findings.errors++;
  else findings.warnings++;
}

function stat(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read ${path}: ${systemReason(error)}`, { cause: error });
  }
}

function printText(findings: Findings, stream: NodeJS.WriteStream): void {
  for (const diagnostic of findings.diagnostics) stream.write(`${formatDiagnostic(diagnostic)}\n`);
  const { zones, errors, warnings, signed, diagnostics } = findings;
  const unlisted = errors + warnings - diagnostics.length;
  const more = unlisted > 0 ? ` (${unlisted} not listed; see --limit)` : '';
  if (signed.length > 0) process.stderr.write(`${signedText(signed)}\n`);
  process.stderr.write(
    `${counted(zones, 'zone')}, ${counted(errors, 'error')}, ${counted(warnings, 'warning')}${more}\n`,
  );
}

/** `would be signed here: a.test. (default), b.test. (strong)`. */
function signedText(signed: Findings['signed']): string {
  const named = signed.slice(0, SIGNED_LISTED).map(({ zone, policy }) => `${zone} (${policy})`);
  const more = signed.length - named.length;
  return `would be signed here: ${named.join(', ')}${more > 0 ? ` and ${counted(more, 'zone')} more` : ''}`;
}
