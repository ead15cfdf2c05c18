/**
 * Reloads the configuration, zones, certificates and keys; one reload at a time. Content that cannot be used changes nothing: the old one
 * stays in force, and the outcome gives the reason.
 */
import type { Config } from '../config/schema.js';
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { ReloadFacts, ReloadKind } from '../observe/metrics/server-facts.js';
import { zoneKey } from '../protocol/name.js';
import type { Clock } from '../session/clock.js';
import { formatDiagnostic } from '../zone/diagnostics.js';
import type { ClientAuthorities } from './certificates/client-authorities.js';
import type { TlsService } from './certificates/tls-service.js';
import {
  changedKeys,
  type Effect,
  inForce,
  refuseBroken,
  refuseEmptyFile,
  refuseNewRemotes,
  refuseNoZones,
} from './config-change.js';
import type { DataPlane } from './plane/data-plane.js';
import { misplacedPolicies, type PlaceOf, policyPlaces } from './policies.js';
import { filesOfPeers } from './process/files-after-drop.js';
import { ReloadNotes } from './reload-notes.js';
import type { BrokenCommitment, CommittedConfig } from './signals/broken-commitments.js';
import type { StartTroubles } from './start-troubles.js';
import type { ZonesReport } from './zones/served-zones.js';
import type { ReloadRequest, ZoneLoader, ZoneSettings } from './zones/zone-loader.js';
import { countOutcomes, type OutcomeCounts, type ZoneOutcome } from './zones/zone-outcome.js';

/** Keys of the configuration that have changed, such as `tls.padding`. Plain data. */
interface ConfigOutcome {
  /** Their new values are in force. */
  readonly changed: readonly string[];
  /** Their new values need a restart. */
  readonly restart: readonly string[];
}

/** The result of a reload. Plain data. */
export interface ReloadOutcome {
  /** The zones that were examined, without those that are unchanged. */
  readonly zones: readonly ZoneOutcome[];
  readonly counts: OutcomeCounts;
  /** One line for each mistake that is in no zone; mistakes of zones are in their outcomes. */
  readonly errors: readonly string[];
  /** One line for each thing that the configuration does, and that may not be meant. */
  readonly warnings: readonly string[];
  /** undefined: the configuration was not read, or cannot be used. */
  readonly config?: ConfigOutcome | undefined;
  /** Certificates and ticket keys. `kept`: the new ones cannot be used. */
  readonly certificates: 'off' | 'unchanged' | 'replaced' | 'kept';
  readonly milliseconds: number;
}

/** The parts of a server that reloading needs. */
export interface ReloadParts {
  readonly loader: ZoneLoader;
  /** Keys of the zones of a configuration that are in no file, and of those that are served now. */
  otherZones(config: Config): readonly string[];
  /** The settings of a configuration for finding and loading zones. */
  zoneSettings(config: Config): ZoneSettings;
  readonly plane: Pick<DataPlane, 'configure'> & {
    /** Publishes all zones as they are now; fulfilled when all answers come from them. */
    publish(): Promise<void>;
  };
  /** undefined: TLS is not served. */
  readonly tls: Pick<TlsService, 'prepare' | 'refresh' | 'files' | 'mistakes' | 'problems'> | undefined;
  readonly clientAuthorities: Pick<ClientAuthorities, 'refresh' | 'files' | 'problems'>;
  /** undefined: the configuration is not read again. */
  readonly configFile: ConfigFile | undefined;
  /** The promises of signals that a configuration would break. */
  brokenBy(wanted: CommittedConfig): readonly BrokenCommitment[];
  /** Mistakes in files of the configuration at the start; a configuration that can be used ends them. */
  readonly configMistakes: readonly string[];
  /** Files and ports that the server goes without since its start. */
  readonly troubles: Pick<StartTroubles, 'lines' | 'tryAgain'>;
  /**
   * Called when a configuration is in force; `effects`: of the keys that have changed. Fulfilled, when all parts follow it, with a line for
   * each effect that may not be meant.
   */
  applied(config: Config, effects: ReadonlySet<Effect>): Promise<readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A configuration that is in force now. */
interface Applied {
  readonly config: ConfigOutcome;
  readonly certificates: 'off' | 'unchanged' | 'replaced';
  readonly warnings: readonly string[];
}

/** The configuration as a file. */
export interface ConfigFile {
  readonly path: string;
  /** Throws AdotdError. */
  read(): Config;
  /** Reads the file once more for the places of its values; to be called right after read(). */
  places(): PlaceOf;
}

export class Reloader {
  readonly #parts: ReloadParts;
  #config: Config;
  /** The configuration that was taken last; of it, keys that need a restart are not in force. */
  #taken: Config;
  #report: ZonesReport;
  #queue: Promise<unknown> = Promise.resolve();
  #done = 0;
  #failed = 0;
  #last: number | undefined;
  /** Mistakes when the zone files were last listed. */
  #listing: readonly string[] = [];
  /** Keys that have other values in the file than in force: they need a restart. */
  #restart: readonly string[] = [];
  readonly #notes: ReloadNotes;

  /** `config`: the configuration in force; `report`: of the first load. */
  constructor(parts: ReloadParts, config: Config, report: ZonesReport) {
    this.#parts = parts;
    this.#notes = new ReloadNotes(parts.clock);
    this.#config = config;
    this.#taken = config;
    this.#report = report;
    this.#notes.note('zones', report.policyMistakes.map(formatDiagnostic), report.failed === 0);
    if (parts.configMistakes.length > 0) this.#notes.note('config', parts.configMistakes);
    if (parts.tls) this.#noteTls(parts.tls.mistakes);
    this.#noteAuthorities(parts.clientAuthorities.problems);
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /** The zones that are served. */
  get report(): ZonesReport {
    return this.#report;
  }

  /** Reloads so far, those of them with errors, and the time of the last one (seconds since 1970). */
  get tally(): { readonly done: number; readonly failed: number; readonly last?: number | undefined } {
    return { done: this.#done, failed: this.#failed, last: this.#last };
  }

  /** For the metrics. */
  get facts(): Readonly<Record<ReloadKind, ReloadFacts>> {
    return this.#notes.facts;
  }

  /** Keys of the configuration whose values in the file need a restart. */
  get restart(): readonly string[] {
    return this.#restart;
  }

  /** The files of authorities of clients. */
  get authorityFiles(): readonly string[] {
    return this.#parts.clientAuthorities.files;
  }

  /** One line for each mistake of the last attempts that is in no zone, and for each certificate that is not valid now. */
  get problems(): readonly string[] {
    const { tls, troubles, clientAuthorities } = this.#parts;
    return [this.#notes.problems, tls?.problems ?? [], clientAuthorities.problems, troubles.lines].flat();
  }

  /** Reloads when earlier requests are done. Never throws: errors are in the outcome. */
  reload(request: ReloadRequest): Promise<ReloadOutcome> {
    const outcome = this.#queue.then(() => this.#reload(request));
    this.#queue = outcome;
    return outcome;
  }

  async #reload(request: ReloadRequest): Promise<ReloadOutcome> {
    const began = performance.now();
    const { tls, log, clock, troubles, clientAuthorities } = this.#parts;
    const errors: string[] = [];
    // A reload of certain files, or of one zone, is about something else.
    if (request.zone === undefined && !request.paths) await troubles.tryAgain();
    let config: ConfigOutcome | undefined;
    let warnings: readonly string[] = [];
    let outcomes: readonly ZoneOutcome[] = [];
    let certificates: ReloadOutcome['certificates'] = tls ? 'unchanged' : 'off';
    try {
      const read = this.#readConfig(request);
      const applied = read && (await this.#apply(read, request, errors));
      config = applied?.config;
      if (applied) ({ certificates, warnings } = applied);
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
        errors.push(...this.#noteTls(refreshed));
      }
      const { files } = clientAuthorities;
      if (request.zone === undefined && (!request.paths || touches(request, files)))
        errors.push(...this.#noteAuthorities(await clientAuthorities.refresh()));
    } catch (error) {
      log.error({ err: error }, `reload failed: ${messageOf(error)}`);
      errors.push(messageOf(error));
    }
    const counts = countOutcomes(outcomes);
    this.#done++;
    if (errors.length > 0 || counts.failed + counts.kept > 0) this.#failed++;
    this.#last = clock.seconds();
    const zones = outcomes.filter(({ result }) => result !== 'unchanged');
    return { zones, counts, errors, warnings, config, certificates, milliseconds: performance.now() - began };
  }

  /** Reads the configuration; undefined when the request does not concern it. */
  #readConfig(request: ReloadRequest): (() => Config) | undefined {
    const { configFile } = this.#parts;
    const files = [...(configFile ? [configFile.path] : []), ...filesOfPeers(this.#config)];
    if (request.zone !== undefined || (request.paths && !touches(request, files))) return undefined;
    return () => configFile?.read() ?? this.#config;
  }

  /**
   * Puts a configuration in force, except the keys that need a restart. If a part of it cannot be used, nothing changes, and `errors`
   * gets the reasons.
   */
  async #apply(read: () => Config, request: ReloadRequest, errors: string[]): Promise<Applied | undefined> {
    const { plane, tls, log } = this.#parts;
    try {
      const wanted = read();
      const keys = changedKeys(this.#config, wanted);
      const running = inForce(this.#config, wanted);
      const effects = new Set(keys.map(({ effect }) => effect));
      const names = new Set(keys.map(({ key }) => key));
      this.#refuseEmptied(running, names, request.allowEmpty ?? false);
      this.#refuseMisplaced(running, names);
      refuseNewRemotes(this.#config, running);
      if (!request.force) this.#refuseBrokenPromises(wanted);
      // The two calls that may throw come first; when they throw, nothing has changed.
      const commit = effects.has('tls') ? await tls?.prepare(running.tls) : undefined;
      const answersChanged = await plane.configure(running);
      this.#config = running;
      this.#taken = wanted;
      const certificates = commit ? await commit() : tls ? 'unchanged' : 'off';
      const warnings = await this.#parts.applied(running, effects);
      const changed = keys.filter(({ effect }) => effect !== 'start').map(({ key }) => key);
      if (answersChanged && changed.length === 0) changed.push(...secretFileKeys(running));
      const restart = keys.flatMap(({ key, effect }) => (effect === 'start' ? key : [])).sort();
      this.#restart = restart;
      if (changed.length > 0) log.info({ changed }, `configuration changed: ${changed.join(', ')}`);
      if (restart.length > 0) {
        log.warn({ restart }, `configuration changed, but needs a restart: ${restart.join(', ')}`);
      }
      this.#notes.note('config', []);
      return { config: { changed, restart }, certificates, warnings };
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      log.error({ err: error }, `the configuration stays as it was: ${error.message}`);
      const lines = error.message.split('\n');
      this.#notes.note('config', lines);
      errors.push(...lines);
      return undefined;
    }
  }

  /** Throws AdotdError when a changed configuration would remove all zones, or its zones cannot be listed. */
  #refuseEmptied(wanted: Config, changed: ReadonlySet<string>, allowEmpty: boolean): void {
    const { configFile, loader, zoneSettings } = this.#parts;
    if (configFile === undefined || changed.size === 0) return;
    refuseEmptyFile(configFile);
    // When only the content of the folder has changed, the loader decides (zone-files.ts).
    if (!changed.has('zones.folder') && !changed.has('zones.files')) return;
    const count = zoneSettings(wanted).list().length;
    if (count === 0 && !allowEmpty) refuseNoZones(configFile, loader.zones.files.length);
  }

  /** Throws ADOTD_CONFIG when a key of a configuration breaks promises of signals, and the same key did not break any before. */
  #refuseBrokenPromises(wanted: Config): void {
    const { configFile, brokenBy } = this.#parts;
    if (configFile !== undefined) refuseBroken(configFile, brokenBy(this.#taken), brokenBy(wanted));
  }

  /** Throws ADOTD_CONFIG when a zone loses its policy because of a mistyped name. */
  #refuseMisplaced(wanted: Config, changed: ReadonlySet<string>): void {
    const { configFile, loader } = this.#parts;
    // With other files, the names of the zones are not known yet.
    const otherZones = changed.has('zones.folder') || changed.has('zones.files');
    if (!changed.has('zones.policies') || otherZones) return;
    const served = new Set([...loader.zones.names, ...this.#parts.otherZones(wanted)]);
    const found = misplacedPolicies(this.#config, wanted, served, policyPlaces(configFile, wanted));
    if (found.length > 0) throw new AdotdError(ErrorCode.CONFIG, found.map(formatDiagnostic).join('\n'));
  }

  async #loadZones(request: ReloadRequest, always: boolean, errors: string[]): Promise<readonly ZoneOutcome[]> {
    const { loader, plane, zoneSettings } = this.#parts;
    // A changed configuration may concern any zone, not only those of the paths.
    const asked = always ? { ...request, paths: undefined } : request;
    const load = await loader.reload(asked, zoneSettings(this.#config));
    this.#report = load.report;
    const { outcomes } = load.report;
    // Without a new listing, the mistakes of the last one remain.
    if (load.listed) this.#listing = load.errors;
    const mistakes = load.report.policyMistakes.map(formatDiagnostic);
    const sound = !outcomes.some(({ result }) => result === 'kept' || result === 'failed');
    this.#notes.note('zones', [...this.#listing, ...mistakes], sound);
    errors.push(...load.errors);
    // A request for one zone gets no mistakes of others.
    if (request.zone === undefined) errors.push(...mistakes);
    await plane.publish();
    return outcomes;
  }

  /** Counts an attempt to read certificates and ticket keys, and returns its mistakes. */
  #noteTls({ certificates, ticketKeys }: TlsService['mistakes']): readonly string[] {
    this.#notes.count('certificates', certificates.length === 0);
    if (ticketKeys !== undefined) this.#notes.count('ticket_keys', ticketKeys.length === 0);
    return [...(ticketKeys ?? []), ...certificates];
  }

  /** Counts an attempt to read the authorities of clients, where there are any, and returns its mistakes. */
  #noteAuthorities(mistakes: readonly string[]): readonly string[] {
    if (this.#parts.clientAuthorities.files.length > 0) this.#notes.count('client_cas', mistakes.length === 0);
    return mistakes;
  }
}

/** Whether a zone has this name, or had it until this reload. */
function isKnown(zone: string, outcomes: readonly ZoneOutcome[], { zones }: ZoneLoader): boolean {
  return zones.status(zone).length > 0 || outcomes.some(({ name }) => zoneKey(name) === zoneKey(zone));
}

function touches({ paths }: ReloadRequest, files: readonly string[]): boolean {
  return files.some((file) => paths?.has(file));
}

/** The keys whose files have secrets: one of them has changed when nothing else has. */
function secretFileKeys({ cookies, tsig }: Config): string[] {
  const isFile = ({ secret_file: file }: { readonly secret_file?: string | undefined }): boolean => file !== undefined;
  return [...(isFile(cookies) ? ['cookies.secret_file'] : []), ...(tsig.some(isFile) ? ['tsig.secret_file'] : [])];
}
