/**
 * Reloading, one after the other: the configuration, zones, certificates and keys. What cannot be used changes nothing: what was in
 * force goes on, and the outcome says why.
 */
import type { Config } from '../config/schema.js';
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import type { Log } from '../observe/log.js';
import { NO_RELOADS, type ReloadFacts, type ReloadKind } from '../observe/metrics/server-facts.js';
import { zoneKey } from '../protocol/name.js';
import type { Clock } from '../session/clock.js';
import { formatDiagnostic } from '../zone/diagnostics.js';
import { changedKeys, type Effect, inForce, refuseEmptyFile, refuseNoZones } from './config-change.js';
import type { DataPlane } from './plane/data-plane.js';
import { misplacedPolicies, type PlaceOf, policyPlaces } from './policies.js';
import type { TlsService } from './tls-service.js';
import type { ZonesReport } from './zones/served-zones.js';
import type { ReloadRequest, ZoneLoader, ZoneSettings } from './zones/zone-loader.js';
import { countOutcomes, type OutcomeCounts, type ZoneOutcome } from './zones/zone-outcome.js';

/** What of the configuration has changed, by key: `tls.padding`. Plain data. */
interface ConfigOutcome {
  /** In force now. */
  readonly changed: readonly string[];
  /** Counts only when the server is started again. */
  readonly restart: readonly string[];
}

/** What came of it. Plain data. */
export interface ReloadOutcome {
  /** The zones that were looked at; those that are unchanged are counted only. */
  readonly zones: readonly ZoneOutcome[];
  readonly counts: OutcomeCounts;
  /** What went wrong besides, one line each; the message of each zone's mistakes is in its outcome. */
  readonly errors: readonly string[];
  /** What of the configuration has changed; undefined: it was not read, or cannot be used. */
  readonly config?: ConfigOutcome | undefined;
  /** With the ticket keys. `replaced`: others are used now. `kept`: what was read cannot be used. */
  readonly certificates: 'off' | 'unchanged' | 'replaced' | 'kept';
  readonly milliseconds: number;
}

/** What is reloaded, and how the server is told. */
export interface ReloadParts {
  readonly loader: ZoneLoader;
  /** How a configuration wants zones to be found and loaded. */
  zoneSettings(config: Config): ZoneSettings;
  readonly plane: Pick<DataPlane, 'configure' | 'publish'>;
  /** undefined: TLS is not served. */
  readonly tls: Pick<TlsService, 'prepare' | 'refresh' | 'files'> | undefined;
  /** Where the configuration is; undefined: there is nothing to read again. */
  readonly configFile: ConfigFile | undefined;
  /** Called when a configuration is in force whose keys have these effects. */
  applied(config: Config, effects: ReadonlySet<Effect>): void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A configuration that is in force now. */
interface Applied {
  readonly config: ConfigOutcome;
  readonly certificates: 'off' | 'unchanged' | 'replaced';
}

/** The configuration as a file. */
export interface ConfigFile {
  readonly path: string;
  /** Throws AdotdError. */
  read(): Config;
  /** Where its values stand, as it is now; to be called when it was just read. */
  places(): PlaceOf;
}

export class Reloader {
  readonly #parts: ReloadParts;
  #config: Config;
  #report: ZonesReport;
  #queue: Promise<unknown> = Promise.resolve();
  #done = 0;
  #failed = 0;
  #last: number | undefined;
  /** What was wrong when the zone files were last listed. */
  #listing: readonly string[] = [];
  /** What was wrong at the last attempt, by what was attempted. */
  readonly #problems = new Map<ReloadKind, readonly string[]>();
  readonly #facts = new Map<ReloadKind, ReloadFacts>();

  /** `config`: what is in force; `report`: of the zones that are served. */
  constructor(parts: ReloadParts, config: Config, report: ZonesReport) {
    this.#parts = parts;
    this.#config = config;
    this.#report = report;
    this.#note('zones', report.policyMistakes.map(formatDiagnostic), report.failed === 0);
    if (parts.tls) this.#note('certificates', [], true);
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /** The zones that are served. */
  get report(): ZonesReport {
    return this.#report;
  }

  /** How many there were, how many of them with errors, and when the last one was (seconds since 1970). */
  get tally(): { readonly done: number; readonly failed: number; readonly last?: number | undefined } {
    return { done: this.#done, failed: this.#failed, last: this.#last };
  }

  /** By what was reloaded, for the metrics. */
  get facts(): Readonly<Record<ReloadKind, ReloadFacts>> {
    const of = (kind: ReloadKind): ReloadFacts => this.#facts.get(kind) ?? NO_RELOADS;
    return {
      zones: of('zones'),
      certificates: of('certificates'),
      ticket_keys: of('ticket_keys'),
      config: of('config'),
    };
  }

  /** What was wrong at the last attempts besides the zones' own mistakes, one line each. */
  get problems(): readonly string[] {
    return [...this.#problems.values()].flat();
  }

  /** Reloads what was asked for, after what was asked for before. Never throws: what went wrong is in the outcome. */
  reload(request: ReloadRequest): Promise<ReloadOutcome> {
    const outcome = this.#queue.then(() => this.#reload(request));
    this.#queue = outcome;
    return outcome;
  }

  async #reload(request: ReloadRequest): Promise<ReloadOutcome> {
    const began = performance.now();
    const { tls, log, clock } = this.#parts;
    const errors: string[] = [];
    let config: ConfigOutcome | undefined;
    let outcomes: readonly ZoneOutcome[] = [];
    let certificates: ReloadOutcome['certificates'] = tls ? 'unchanged' : 'off';
    try {
      const read = this.#readConfig(request);
      const applied = read && (await this.#apply(read, request.allowEmpty ?? false, errors));
      config = applied?.config;
      if (applied) certificates = applied.certificates;
      const before = this.#report.nameservers;
      const force = request.force || config?.changed.includes('nsec3_max_iterations');
      outcomes = await this.#loadZones({ ...request, force }, config !== undefined, errors);
      const { zone } = request;
      if (zone !== undefined && !isKnown(zone, outcomes, this.#parts.loader)) {
        errors.push(`${zone} is no zone of this server`);
      }
      const certificatesChanged = config?.changed.some((key) => key.startsWith('tls.')) ?? false;
      const concerned = request.zone === undefined && (!request.paths || touches(request, tls?.files ?? []));
      if (tls && (concerned || certificatesChanged || before.join() !== this.#report.nameservers.join())) {
        const refreshed = await tls.refresh(this.#report.nameservers);
        if (refreshed.result !== 'unchanged') certificates = refreshed.result;
        this.#note('certificates', refreshed.errors);
        errors.push(...refreshed.errors);
      }
    } catch (error) {
      log.error({ err: error }, `reload failed: ${messageOf(error)}`);
      errors.push(messageOf(error));
    }
    const counts = countOutcomes(outcomes);
    this.#done++;
    if (errors.length > 0 || counts.failed + counts.kept > 0) this.#failed++;
    this.#last = clock.seconds();
    const zones = outcomes.filter(({ result }) => result !== 'unchanged');
    return { zones, counts, errors, config, certificates, milliseconds: performance.now() - began };
  }

  /** The configuration as it is now, when the request concerns it; undefined otherwise. */
  #readConfig(request: ReloadRequest): (() => Config) | undefined {
    const { configFile } = this.#parts;
    const { secret_file: secrets } = this.#config.cookies;
    const files = [...(configFile ? [configFile.path] : []), ...(secrets === undefined ? [] : [secrets])];
    if (request.zone !== undefined || (request.paths && !touches(request, files))) return undefined;
    return () => configFile?.read() ?? this.#config;
  }

  /**
   * Puts a configuration in force, as far as that needs no other start: all of it or, when anything of it cannot be had, nothing.
   * Why not is in `errors`.
   */
  async #apply(read: () => Config, allowEmpty: boolean, errors: string[]): Promise<Applied | undefined> {
    const { plane, tls, log } = this.#parts;
    try {
      const wanted = read();
      const keys = changedKeys(this.#config, wanted);
      const running = inForce(this.#config, wanted);
      const effects = new Set(keys.map(({ effect }) => effect));
      const names = new Set(keys.map(({ key }) => key));
      this.#refuseEmptied(running, names, allowEmpty);
      this.#refuseMisplaced(running, names);
      // First what may throw; each of the two changes nothing then.
      const commit = effects.has('tls') ? await tls?.prepare(running.tls) : undefined;
      const answersChanged = await plane.configure(running);
      this.#config = running;
      const certificates = commit ? await commit() : tls ? 'unchanged' : 'off';
      this.#parts.applied(running, effects);
      const changed = keys.filter(({ effect }) => effect !== 'start').map(({ key }) => key);
      if (answersChanged && changed.length === 0) changed.push('cookies.secret_file');
      const restart = keys.filter(({ effect }) => effect === 'start').map(({ key }) => key);
      if (changed.length > 0) log.info({ changed }, `configuration changed: ${changed.join(', ')}`);
      if (restart.length > 0) {
        log.warn({ restart }, `configuration changed, but needs a restart: ${restart.join(', ')}`);
      }
      this.#note('config', []);
      return { config: { changed, restart }, certificates };
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      log.error({ err: error }, `the configuration stays as it was: ${error.message}`);
      const lines = error.message.split('\n');
      this.#note('config', lines);
      errors.push(...lines);
      return undefined;
    }
  }

  /** Throws AdotdError when a changed configuration would take all zones away, or cannot say which there are. */
  #refuseEmptied(wanted: Config, changed: ReadonlySet<string>, allowEmpty: boolean): void {
    const { configFile, loader, zoneSettings } = this.#parts;
    if (configFile === undefined || changed.size === 0) return;
    refuseEmptyFile(configFile);
    // A folder that is emptied or gone by itself is the loader's business (zone-files.ts).
    if (!changed.has('zones.folder') && !changed.has('zones.files')) return;
    const count = zoneSettings(wanted).list().length;
    if (count === 0 && !allowEmpty) refuseNoZones(configFile, loader.zones.files.length);
  }

  /** Throws ADOTD_CONFIG when a mistyped name takes its policy from a zone. */
  #refuseMisplaced(wanted: Config, changed: ReadonlySet<string>): void {
    const { configFile, loader } = this.#parts;
    // With other files, nobody knows yet which zones there will be.
    const otherZones = changed.has('zones.folder') || changed.has('zones.files');
    if (!changed.has('zones.policies') || otherZones) return;
    const found = misplacedPolicies(this.#config, wanted, loader.zones.names, policyPlaces(configFile, wanted));
    if (found.length > 0) throw new AdotdError(ErrorCode.CONFIG, found.map(formatDiagnostic).join('\n'));
  }

  async #loadZones(request: ReloadRequest, always: boolean, errors: string[]): Promise<readonly ZoneOutcome[]> {
    const { loader, plane, zoneSettings } = this.#parts;
    // What a path concerns may be the configuration, and that any zone.
    const asked = always ? { ...request, paths: undefined } : request;
    const load = await loader.reload(asked, zoneSettings(this.#config));
    this.#report = load.report;
    const { outcomes } = load.report;
    // Where it was not listed, what was wrong with that still is.
    if (load.listed) this.#listing = load.errors;
    const mistakes = load.report.policyMistakes.map(formatDiagnostic);
    const sound = !outcomes.some(({ result }) => result === 'kept' || result === 'failed');
    this.#note('zones', [...this.#listing, ...mistakes], sound);
    errors.push(...load.errors);
    // Who asked for one zone asked about no other.
    if (request.zone === undefined) errors.push(...mistakes);
    await plane.publish(load.report.catalog);
    return outcomes;
  }

  /** Counts an attempt; `sound`: besides `problems` nothing was wrong either. */
  #note(kind: ReloadKind, problems: readonly string[], sound = true): void {
    const { succeeded, failed, lastSuccess } = this.#facts.get(kind) ?? NO_RELOADS;
    const well = sound && problems.length === 0;
    this.#problems.set(kind, problems);
    this.#facts.set(kind, {
      succeeded: succeeded + (well ? 1 : 0),
      failed: failed + (well ? 0 : 1),
      lastSuccess: well ? this.#parts.clock.seconds() : lastSuccess,
    });
  }
}

/** Whether there is a zone of this name, or was until this reload. */
function isKnown(zone: string, outcomes: readonly ZoneOutcome[], { zones }: ZoneLoader): boolean {
  return zones.status(zone).length > 0 || outcomes.some(({ name }) => zoneKey(name) === zoneKey(zone));
}

function touches({ paths }: ReloadRequest, files: readonly string[]): boolean {
  return files.some((file) => paths?.has(file));
}
