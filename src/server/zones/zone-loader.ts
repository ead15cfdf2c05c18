/** Loads zones, all of them or those that have changed, and knows what is loaded. */
import { existsSync } from 'node:fs';
import type { Policies } from '../../image/policy.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import type { ZoneTask } from './load-zone.js';
import { type LoaderSettings, loadZones } from './load-zones.js';
import { type PolicyCheck, ServedZones, type ZonesReport } from './served-zones.js';
import { idOf, listZones, type ZoneFile } from './zone-files.js';
import { countOutcomes, outcomeText, type ZoneOutcome } from './zone-outcome.js';

/** What to reload; without any of these, everything that has changed. */
export interface ReloadRequest {
  /** The zone of this name (presentation format), whether or not its files have changed. */
  readonly zone?: string | undefined;
  /** What these files and folders concern, if it has changed. */
  readonly paths?: ReadonlySet<string> | undefined;
  /** All zones, whether or not their files have changed. */
  readonly force?: boolean | undefined;
  /** A folder that has no zone files any more is meant to have none. */
  readonly allowEmpty?: boolean | undefined;
}

/** How the zones are found and loaded. May change while the server runs. */
export interface ZoneSettings {
  /** May throw ADOTD_FILE. */
  list(): readonly ZoneFile[];
  /** The folder among what `list` looks at. */
  readonly folder: string | undefined;
  readonly nsec3MaxIterations: number;
  /** Who is answered. */
  readonly policies: Policies;
  readonly policyMistakes?: PolicyCheck | undefined;
}

/** Zones that a reload logs one by one when they have changed; of more, only their number. A guess. */
const LOGGED_ZONES = 50;

interface ZoneLoad {
  readonly report: ZonesReport;
  /** Whether it was looked for files that are new or gone. */
  readonly listed: boolean;
  readonly errors: readonly string[];
}

/** Loads zones, and knows what is loaded. */
export class ZoneLoader {
  readonly zones = new ServedZones();
  readonly #loader: LoaderSettings;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(loader: LoaderSettings, clock: Clock, log: Log) {
    this.#loader = loader;
    this.#clock = clock;
    this.#log = log;
  }

  /** Loads the zones for the first time. Throws ADOTD_FILE when they cannot be listed. */
  async load(settings: ZoneSettings): Promise<ZonesReport> {
    const began = performance.now();
    const tasks = settings.list().map((zone): ZoneTask => ({ zone }));
    const results = await loadZones(tasks, this.#options(settings), this.#loader, false);
    this.zones.restrict(settings.policies, settings.policyMistakes);
    const report = this.zones.apply(results, this.#clock.seconds());
    logZones(report, performance.now() - began, 0, this.#log);
    return report;
  }

  /** Loads what was asked for while queries are answered from what there is. Throws what the loader thread dies of. */
  async reload(request: ReloadRequest, settings: ZoneSettings): Promise<ZoneLoad> {
    const began = performance.now();
    const before = this.zones.files;
    const listed = this.#needsListing(request, settings.folder);
    const { zones, kept, errors } = listed
      ? listZones(settings.list, before, settings.folder, request.allowEmpty ?? false)
      : { zones: before, kept: [], errors: [] };
    for (const error of errors) this.#log.error({}, error);
    const { tasks, gone, order } = this.#plan(request, before, zones);
    const away = new Set(kept.map(idOf));
    const present = tasks.filter(({ zone }) => !away.has(idOf(zone)));
    const results = await loadZones(present, this.#options(settings), this.#loader, true);
    this.zones.restrict(settings.policies, settings.policyMistakes);
    const report = this.zones.change(results, gone, this.#clock.seconds(), order);
    logZones(report, performance.now() - began, LOGGED_ZONES, this.#log);
    return { report, listed, errors };
  }

  /** Whether files may be new or gone: of 10,000 zones, listing takes longer than loading one. */
  #needsListing({ zone, paths }: ReloadRequest, folder: string | undefined): boolean {
    if (zone === undefined) return paths === undefined || (folder !== undefined && paths.has(folder));
    const own = this.zones.filesOf(zone);
    return own.length === 0 || own.some(({ file, text }) => text === undefined && !existsSync(file));
  }

  /** What is to be read, and what it is compared with; and which files are gone. */
  #plan({ zone, paths, force }: ReloadRequest, before: readonly ZoneFile[], zones: readonly ZoneFile[]): Plan {
    const added = zones === before ? [] : missing(zones, before);
    const gone = zones === before ? [] : missing(before, zones);
    if (zone !== undefined) {
      const own = this.zones.filesOf(zone);
      const away = intersection(own, gone);
      // A name that nobody knows may be that of a file which is new.
      const tasks = own.length === 0 ? added : missing(own, away);
      return { tasks: tasks.map((one) => ({ zone: one })), gone: away };
    }
    const task = (one: ZoneFile): ZoneTask => ({ zone: one, known: force ? undefined : this.zones.known(one) });
    const order = zones === before ? undefined : zones;
    if (paths === undefined) return { tasks: zones.map(task), gone, order };
    const { sources } = this.zones;
    const concerned = [...new Set([...paths].flatMap((path) => sources.get(path) ?? []))];
    return { tasks: [...missing(concerned, gone), ...added].map(task), gone, order };
  }

  #options({ nsec3MaxIterations }: ZoneSettings) {
    return { now: this.#clock.seconds(), nsec3MaxIterations };
  }
}

interface Plan {
  readonly tasks: readonly ZoneTask[];
  readonly gone: readonly ZoneFile[];
  readonly order?: readonly ZoneFile[] | undefined;
}

/** Those of `zones` that are not among `others`. */
function missing(zones: readonly ZoneFile[], others: readonly ZoneFile[]): ZoneFile[] {
  const ids = new Set(others.map(idOf));
  return zones.filter((zone) => !ids.has(idOf(zone)));
}

function intersection(zones: readonly ZoneFile[], others: readonly ZoneFile[]): ZoneFile[] {
  const ids = new Set(others.map(idOf));
  return zones.filter((zone) => ids.has(idOf(zone)));
}

/** Mistakes, each with its place; up to `limit` zones that have changed, one by one; and how many there are now. */
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
    ...(failed > 0 ? [`${failed} failed and are answered with SERVFAIL`] : []),
    ...(kept > 0 ? [`${kept} of them as before, for their files have errors`] : []),
  ];
  const text = `${[`${served} zones served`, ...notes].join(', ')}; ${outcomeText(counts)}`;
  if (changed.length === 0 && limit > 0) log.debug(fields, text);
  else if (notes.length > 0) log.warn(fields, text);
  else log.info(fields, text);
}

function logOutcome(outcome: ZoneOutcome, quietly: boolean, log: Log): void {
  const { name, file, result, before, after, milliseconds } = outcome;
  const fields = { zone: name, file, result, before, after, milliseconds: Math.round(milliseconds) };
  const serial = [...new Set([before, after])].filter((one) => one !== undefined).join(' to ');
  const text = `zone ${name} ${result}${serial === '' ? '' : `, serial ${serial}`}`;
  if (quietly) log.debug(fields, text);
  else log.info(fields, text);
}
