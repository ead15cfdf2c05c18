/** Loads zones, all of them or those that have changed, and logs the outcome. */

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { counted } from '../../errors.js';
import type { Policies } from '../../image/policy.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import type { KeptFiles } from './kept-files.js';
import { checkOf, type DnssecChecks, signingOf, type ZoneTask } from './load-zone.js';
import { type LoaderSettings, loadZones } from './load-zones.js';
import type { PolicyCheck, ServedZones, ZonesReport } from './served-zones.js';
import { idOf, listZones, withoutZoneFiles, type ZoneFile } from './zone-files.js';
import { countOutcomes, outcomeText, type ZoneOutcome } from './zone-outcome.js';

/** The zones to reload; an empty request means everything that has changed. */
export interface ReloadRequest {
  /** The zone of this name (presentation format), even if its files have not changed. */
  readonly zone?: string | undefined;
  /** Everything that was read from these files and folders, if they have changed. */
  readonly paths?: ReadonlySet<string> | undefined;
  /** All zones, even if their files have not changed; also a configuration that breaks promises of signals. */
  readonly force?: boolean | undefined;
  /** A folder or configuration without zones is meant to have none. */
  readonly allowEmpty?: boolean | undefined;
}

/** The settings for finding and loading zones. They change with the configuration. */
export interface ZoneSettings {
  /** May throw ADOTD_FILE. */
  list(): readonly ZoneFile[];
  /** The folder that `list` reads, if there is one. */
  readonly folder: string | undefined;
  readonly nsec3MaxIterations: number;
  readonly dnssecChecks: DnssecChecks;
  readonly policies: Policies;
  readonly policyMistakes?: PolicyCheck | undefined;
}

/** A reload logs up to this number of changed zones one by one; more are only counted. A guess. */
const LOGGED_ZONES = 50;

interface ZoneLoad {
  readonly report: ZonesReport;
  /** Whether the zone files were listed anew. */
  readonly listed: boolean;
  readonly errors: readonly string[];
}

/** Decides which versions of zones are served, given their files. */
type FileKeeper = Pick<KeptFiles, 'prepare'>;

export class ZoneLoader {
  readonly zones: ServedZones;
  readonly #keeper: FileKeeper;
  readonly #loader: LoaderSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Those of the last load. */
  #checks: DnssecChecks | undefined;

  constructor(loader: LoaderSettings, clock: Clock, log: Log, zones: ServedZones, keeper: FileKeeper) {
    this.zones = zones;
    this.#keeper = keeper;
    this.#loader = loader;
    this.#clock = clock;
    this.#log = log;
  }

  /** Loads the zones for the first time. Throws ADOTD_FILE when they cannot be listed. */
  async load(settings: ZoneSettings): Promise<ZonesReport> {
    const began = performance.now();
    const tasks = settings.list().map((zone): ZoneTask => ({ zone }));
    if (tasks.length === 0 && settings.folder !== undefined) this.#log.warn({}, withoutZoneFiles(settings.folder));
    this.#checks = settings.dnssecChecks;
    const results = await loadZones(tasks, this.#options(settings), this.#loader, false);
    this.zones.restrict(settings.policies, settings.policyMistakes);
    const prepared = await this.#prepare(results);
    const report = this.zones.apply(prepared.results, this.#clock.seconds());
    prepared.settle((key) => this.zones.isServed(key));
    logZones(report, performance.now() - began, 0, this.#log);
    return report;
  }

  /** Loads the zones of a request, while queries are answered from the old ones. Throws the error that ends the loader thread. */
  async reload(request: ReloadRequest, settings: ZoneSettings): Promise<ZoneLoad> {
    const began = performance.now();
    const before = this.zones.files;
    const listed = this.#needsListing(request, settings.folder);
    const { zones, kept, errors } = listed
      ? listZones(settings.list, before, settings.folder, request.allowEmpty ?? false)
      : { zones: before, kept: [], errors: [] };
    for (const error of errors) this.#log.error({}, error);
    const { tasks, gone, order } = this.#plan(request, before, zones, settings.dnssecChecks);
    this.#checks = settings.dnssecChecks;
    const away = new Set(kept.map(idOf));
    const present = tasks.filter(({ zone }) => !away.has(idOf(zone)));
    const results = await loadZones(present, this.#options(settings), this.#loader, true);
    const prepared = await this.#prepare(results);
    this.zones.restrict(settings.policies, settings.policyMistakes);
    const report = this.zones.change(prepared.results, gone, this.#clock.seconds(), order);
    prepared.settle((key) => this.zones.isServed(key));
    logZones(report, performance.now() - began, LOGGED_ZONES, this.#log);
    return { report, listed, errors };
  }

  #prepare(results: Awaited<ReturnType<typeof loadZones>>): ReturnType<FileKeeper['prepare']> {
    return this.#keeper.prepare(results, (key) => this.zones.isShared(key));
  }

  /** Whether files may be new or gone. With 10,000 zones, listing takes longer than loading one. */
  #needsListing({ zone, paths }: ReloadRequest, folder: string | undefined): boolean {
    if (zone === undefined) {
      if (paths === undefined) return true;
      // A file may be gone before its folder is known to have changed.
      const isGone = (path: string): boolean => resolve(dirname(path)) === resolve(folder ?? '') && !existsSync(path);
      return folder !== undefined && (paths.has(folder) || [...paths].some(isGone));
    }
    const files = this.zones.filesOf(zone);
    return files.length === 0 || files.some(({ file, text }) => text === undefined && !existsSync(file));
  }

  /** Chooses the zones to load, with the known states of their files, and the files that are gone. */
  #plan(
    { zone, paths, force }: ReloadRequest,
    before: readonly ZoneFile[],
    zones: readonly ZoneFile[],
    checks: DnssecChecks,
  ): Plan {
    const added = zones === before ? [] : missing(zones, before);
    const gone = zones === before ? [] : missing(before, zones);
    if (zone !== undefined) {
      const files = this.zones.filesOf(zone);
      const goneFiles = intersection(files, gone);
      // An unknown name may be in a new file.
      const tasks = files.length === 0 ? added : missing(files, goneFiles);
      return { tasks: tasks.map((one) => ({ zone: one })), gone: goneFiles };
    }
    const isStale = (one: ZoneFile): boolean => {
      const key = this.zones.keyOf(one);
      return key !== undefined && isOther(key, checks, this.#checks);
    };
    const task = (one: ZoneFile): ZoneTask => ({
      zone: one,
      known: force || isStale(one) ? undefined : this.zones.known(one),
    });
    const order = zones === before ? undefined : zones;
    if (paths === undefined) return { tasks: zones.map(task), gone, order };
    const { sources } = this.zones;
    const concerned = [...new Set([...paths].flatMap((path) => sources.get(path) ?? []))];
    return { tasks: [...missing(concerned, gone), ...added].map(task), gone, order };
  }

  #options({ nsec3MaxIterations, dnssecChecks }: ZoneSettings) {
    return { now: this.#clock.seconds(), nsec3MaxIterations, dnssecChecks };
  }
}

/** Whether the checks of the zone of this key are others than before. */
function isOther(key: string, now: DnssecChecks, before: DnssecChecks | undefined): boolean {
  if (before === undefined || checkOf(key, now) !== checkOf(key, before)) return true;
  const [limits, old] = [signingOf(key, now), signingOf(key, before)];
  return limits?.refresh !== old?.refresh || limits?.hasSecondaries !== old?.hasSecondaries;
}

interface Plan {
  readonly tasks: readonly ZoneTask[];
  readonly gone: readonly ZoneFile[];
  readonly order?: readonly ZoneFile[] | undefined;
}

/** The zones that are not among `others`. */
function missing(zones: readonly ZoneFile[], others: readonly ZoneFile[]): ZoneFile[] {
  const ids = new Set(others.map(idOf));
  return zones.filter((zone) => !ids.has(idOf(zone)));
}

function intersection(zones: readonly ZoneFile[], others: readonly ZoneFile[]): ZoneFile[] {
  const ids = new Set(others.map(idOf));
  return zones.filter((zone) => ids.has(idOf(zone)));
}

/** Logs all mistakes, each zone that has changed (at level debug if there are more than `limit`), and the sum. */
function logZones(report: ZonesReport, milliseconds: number, limit: number, log: Log): void {
  for (const { severity, file, line, column, message } of report.diagnostics) {
    const text = `${file}:${line}:${column}: ${message}`;
    if (severity === 'error') log.error({ file, line, column }, text);
    else log.warn({ file, line, column }, text);
  }
  const changed = report.outcomes.filter(({ result }) => result !== 'unchanged');
  for (const outcome of changed) logOutcome(outcome, changed.length > limit, log);
  const { served, failed, kept, records } = report;
  const counts = countOutcomes(report.outcomes);
  const fields = { zones: served, failed, kept, records, outcomes: counts, milliseconds: Math.round(milliseconds) };
  const notes = [
    ...(failed > 0 ? [`${failed} failed and ${failed === 1 ? 'is' : 'are'} answered with SERVFAIL`] : []),
    ...(kept > 0 ? [`${kept} of them as before, because of errors`] : []),
  ];
  const text = `${[`${counted(served, 'zone')} served`, ...notes].join(', ')}; ${outcomeText(counts)}`;
  if (changed.length === 0 && limit > 0) log.debug(fields, text);
  else if (notes.length > 0 || counts.removed > 0) log.warn(fields, text);
  else log.info(fields, text);
}

function logOutcome(outcome: ZoneOutcome, quietly: boolean, log: Log): void {
  const { name, file, result, before, after, milliseconds } = outcome;
  const fields = { zone: name, file, result, before, after, milliseconds: Math.round(milliseconds) };
  const serial = [...new Set([before, after])].filter((one) => one !== undefined).join(' to ');
  const text = `zone ${name} ${result}${serial === '' ? '' : `, serial ${serial}`}`;
  if (result === 'removed' && !quietly) {
    // Somebody may have deleted the wrong file.
    log.warn(fields, `${text}: no zone file has it any more, it was in ${file}; its queries are not answered`);
  } else if (quietly) log.debug(fields, text);
  else log.info(fields, text);
}
