/** The control thread: loads zones, reads certificates, and gives both to the data plane that answers. */
import type { Config } from '../config/schema.js';
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import { Publisher } from '../image/catalog.js';
import type { Policies } from '../image/policy.js';
import type { Counters } from '../observe/counters/counters.js';
import type { Log } from '../observe/log.js';
import type { TapStatus } from '../observe/tap/tap.js';
import { type Clock, systemClock } from '../session/clock.js';
import type { Endpoint } from '../transport/transport.js';
import { type Diagnostic, formatDiagnostic } from '../zone/diagnostics.js';
import { MemberPolicies, PoliciesInForce } from './catalogs/member-policies.js';
import { MEMBERS, memberTable } from './catalogs/member-table.js';
import { openRollover } from './certificates/open-rollover.js';
import type { PinRollover } from './certificates/pin-rollover.js';
import type { TlsService } from './certificates/tls-service.js';
import type { Effect } from './config-change.js';
import { openParts, type Parts, servedTls, type TlsFollower } from './open-parts.js';
import type { DataPlane } from './plane/data-plane.js';
import { matchingPlane } from './plane/matching-plane.js';
import type { PlaneOptions } from './plane/open-plane.js';
import { configuredZones, policiesOf, policyPlaces, transferredZones, unservedPolicies } from './policies.js';
import type { Identity } from './process/privileges.js';
import { type ConfigFile, Reloader, type ReloadOutcome, type ReloadParts } from './reload.js';
import type { RequestHandlers } from './requests.js';
import { dnssecChecksOf } from './signing/dnssec-checks.js';
import { openSigning } from './signing/open-signing.js';
import type { ZoneSigning } from './signing/zone-signing.js';
import { StartTroubles } from './start-troubles.js';
import { TransfersOut } from './transfers-out.js';
import { withUsableSecrets } from './usable-secrets.js';
import { openZoneLife, type ZoneLife } from './zone-life.js';
import { zonePolicyOf } from './zone-policy.js';
import { LoaderLane } from './zones/jobs/loader-lane.js';
import type { KeptState } from './zones/kept-state.js';
import type { LoaderSettings } from './zones/load-zones.js';
import { declareStored, openState } from './zones/open-state.js';
import { ServedZones, type ZonesReport } from './zones/served-zones.js';
import { type ZoneCounts, zoneCounts } from './zones/zone-counts.js';
import type { ZoneFile } from './zones/zone-files.js';
import { ZoneKeeper } from './zones/zone-keeper.js';
import { type ReloadRequest, ZoneLoader, type ZoneSettings } from './zones/zone-loader.js';

/** ADOTD_ZONE_INVALID with the mistakes in the zones; the message has one line for each. */
export class ZonesError extends AdotdError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(ErrorCode.ZONE_INVALID, diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}

interface ServerOptions extends Omit<PlaneOptions, 'bound'> {
  /**
   * Gives up privileges, once all sockets are bound; `sources`: the files that the zones came from. If it is given, the query log and
   * dnstap are opened after it: a file that this user cannot open is an error of the start, not of a later rotation.
   */
  bound?: ((sources: readonly string[]) => void) | undefined;
  /** Returns the zones to serve; every reload calls it again. May throw ADOTD_FILE. */
  zones(config: Config): readonly ZoneFile[];
  /** The user that `bound` changes to. */
  readonly user?: Identity | undefined;
  /** undefined: the configuration is not read again. */
  readonly configFile?: ConfigFile | undefined;
  /** Called when nothing is answered any more, before the state is closed. */
  drained?(): Promise<void>;
  /** Called when another configuration is in force, with the effects of the keys that have changed. */
  applied?(config: Config, effects: ReadonlySet<Effect>): void;
  readonly log: Log;
  /** Files and ports that the process goes without; the server adds its own. */
  readonly troubles?: StartTroubles | undefined;
  readonly loader: LoaderSettings;
  /** Provides TLS for these nameservers in place of openTls(). */
  tls?(nameservers: readonly string[]): TlsService;
  readonly clock?: Clock;
  /** Handlers of NOTIFY and UPDATE. */
  readonly requests?: RequestHandlers;
}

/** A server that answers. */
export interface Server {
  /** Addresses bound, in the order of the configuration. */
  readonly udp: readonly Endpoint[];
  readonly tcp: readonly Endpoint[];
  readonly tls: readonly Endpoint[];
  readonly plane: DataPlane;
  /** The counts of all threads, added up. */
  readonly counters: Counters;
  /** Counts of the query log and dnstap; undefined: both are off. */
  readonly tap: TapStatus | undefined;
  /** Transfers to secondaries. */
  readonly transfersOut: TransfersOut;
  /** The life of zones: transfers, NOTIFY, UPDATE, catalogs, signing. */
  readonly life: ZoneLife;
  /** The result of the last load or reload of files. */
  readonly zones: ZonesReport;
  /** Of all zones, those of files and others. */
  readonly zoneCounts: ZoneCounts;
  /**
   * Loads the zones that `request` names, or everything that has changed. The old zones are answered meanwhile; a zone with errors stays as
   * it was. Fulfilled when all answers come from the new zones. Never throws; reloads run one after the other.
   */
  reload(request?: ReloadRequest): Promise<ReloadOutcome>;
  /** The zones, file by file. */
  readonly loaded: ServedZones;
  /** undefined: TLS is not served. */
  readonly tlsService: TlsService | undefined;
  readonly reloader: Reloader;
  /** Keeps all zones, and changes them. */
  readonly keeper: ZoneKeeper;
  /** undefined: no state is configured. */
  readonly stored: KeptState | undefined;
  readonly state: 'ready' | 'draining';
  /**
   * Takes no more queries, finishes those that have begun, and frees the ports. `drainTime`: milliseconds that sessions have for
   * it; as configured when absent.
   */
  close(drainTime?: number): Promise<void>;
}

/**
 * Loads the zones and binds the addresses; everything answers when the promise is fulfilled. Throws ADOTD_LISTEN,
 * ADOTD_CONFIG, ADOTD_FILE, and with `config.strict` ZonesError.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { clock = systemClock } = options;
  const zones = await openZones(options, clock);
  try {
    return await openServer(options, zones, clock);
  } catch (error) {
    await zones.signing?.close();
    await zones.keeper.close();
    throw error;
  }
}

/** The keeper and the loader of zones. */
interface OpenZones {
  readonly keeper: ZoneKeeper;
  readonly loader: ZoneLoader;
  /** undefined: none is configured. */
  readonly state: KeptState | undefined;
  /** undefined: without state, nothing is signed. */
  readonly signing: ZoneSigning | undefined;
  /** undefined: without state, no key is published. */
  readonly rollover: PinRollover | undefined;
  /** Policies, those for groups of catalogs among them. */
  readonly members: MemberPolicies;
  /** Restricts the zones that are published from now on by these policies. */
  restrict(policies: Policies): void;
}

async function openServer(
  options: ServerOptions,
  { keeper, loader, members, restrict, ...kept }: OpenZones,
  clock: Clock,
): Promise<Server> {
  const { config, configFile, log } = options;
  const zoneSettings = zoneSettingsOf(options, otherZones(keeper), members);
  const report = await loader.load(zoneSettings(config));
  if (config.strict && !report.sound) throw new ZonesError(report.diagnostics);
  const troubles = options.troubles ?? new StartTroubles(config.strict, log, clock);
  const { usable, mistakes } = withUsableSecrets(config, troubles);
  members.configure(usable);
  const transfersOut = new TransfersOut(log);
  const requests = { ...options.requests };
  const opened = { ...options, config: members.config, troubles, transfersOut, requests, gate: kept.rollover };
  const follow: TlsFollower = { changed: undefined };
  const openedParts = await openParts(opened, report, () => [...loader.zones.sources.keys()], clock, follow);
  const { tls, tap, plane } = openedParts;
  const end = ending(openedParts, troubles, options.drained);
  keeper.begin(async (catalog) => (end.hasBegun ? undefined : plane.publish(catalog)));
  const lifeParts = { ...opened, ...kept, keeper, clock, thread: options.loader.thread };
  const { life, policies } = await openLife(lifeParts, members, restrict, openedParts, end);
  follow.changed = () => life.signals?.changed();
  const parts: ReloadParts = {
    loader,
    otherZones: otherZones(keeper),
    zoneSettings,
    plane: reloadedPlane(policies, life, keeper),
    tls,
    clientAuthorities: openedParts.clientAuthorities,
    configFile,
    brokenBy: (wanted) => life.signals?.brokenBy(wanted) ?? [],
    configMistakes: mistakes,
    troubles,
    async applied(next, effects) {
      options.applied?.(next, effects);
      await followed(life, log);
      return life.signing?.known.warnings ?? [];
    },
    clock,
    log,
  };
  const reloader = new Reloader(parts, config, report);
  return {
    udp: plane.udp,
    tcp: plane.tcp,
    tls: plane.tls,
    plane,
    get counters() {
      return plane.counters();
    },
    get tap() {
      return tap?.status;
    },
    get zones() {
      return reloader.report;
    },
    get zoneCounts() {
      return zoneCounts(reloader.report, keeper);
    },
    loaded: loader.zones,
    transfersOut,
    life,
    tlsService: tls,
    reloader,
    keeper,
    stored: kept.state,
    get state() {
      return end.hasBegun ? 'draining' : 'ready';
    },
    reload: (request = {}) => reloader.reload(request),
    close: (drainTime) => end.begin(drainTime, life),
  };
}

/** Opens the life of zones, and has answers follow the policies in force; if that fails, the server ends. */
async function openLife(
  lifeParts: Omit<Parameters<typeof openZoneLife>[0], 'servedTls' | 'policies'>,
  members: MemberPolicies,
  restrict: OpenZones['restrict'],
  parts: Parts,
  end: Ending,
): Promise<{ life: ZoneLife; policies: PoliciesInForce }> {
  const { keeper, log } = lifeParts;
  let configure = async (next: Config): Promise<boolean> => !end.hasBegun && parts.plane.configure(next);
  const policies = new PoliciesInForce(members, {
    configure: (next) => configure(next),
    restrict: (next) => restrict(policiesOf(next)),
    publish: () => keeper.publish(),
    log,
  });
  try {
    const life = await openZoneLife({ ...lifeParts, policies, servedTls: () => servedTls(parts) });
    configure = matchingPlane(policies.config, { configure, remotes: life.remotes, log });
    return { life, policies };
  } catch (error) {
    await end.begin(0);
    throw error;
  }
}

/** Has the parts follow the configuration in force; fulfilled when all do. Never rejects. */
async function followed(life: ZoneLife, log: Log): Promise<void> {
  try {
    await life.configure();
  } catch (error) {
    log.error({ err: error }, `not all parts follow the configuration: ${messageOf(error)}`);
  }
}

/** The data plane as reloads change it. */
function reloadedPlane(policies: PoliciesInForce, life: ZoneLife, keeper: ZoneKeeper): ReloadParts['plane'] {
  return {
    configure: (next) => policies.configure(next),
    publish: () => keeper.publish().then(() => life.reloaded()),
  };
}

type Ending = ReturnType<typeof ending>;

/** Closes TLS, the tap and the data plane, once. */
function ending({ tls, tap, plane }: Parts, troubles: StartTroubles, drained?: () => Promise<void>) {
  let ended: Promise<void> | undefined;
  return {
    get hasBegun(): boolean {
      return ended !== undefined;
    },
    /** Requests that threads have handed off are answered before `life`, which answers them, is closed. */
    begin(drainTime?: number, life?: ZoneLife): Promise<void> {
      tls?.close();
      troubles.close();
      ended ??= plane
        .close(drainTime)
        .then(() => drained?.())
        .then(() => life?.close())
        .then(() => tap?.stop());
      return ended;
    },
  };
}

/** The keeper of all zones, with those that the state has, and the loader of those that come from files. Throws ADOTD_STATE. */
async function openZones({ config, loader: settings, log, user }: ServerOptions, clock: Clock): Promise<OpenZones> {
  const publisher = new Publisher();
  const served = new ServedZones(publisher);
  const lane = new LoaderLane(clock, settings.thread);
  const state = await openState(config, lane, log, user);
  const members = new MemberPolicies(config, state ? memberTable(state.table(MEMBERS), log).read() : []);
  const signing = await openSigning(members.config, state, { clock, log, owner: user });
  const keeper = new ZoneKeeper({
    publisher,
    lane,
    clock,
    policyOf: zonePolicyOf(members.config),
    state,
    signers: signing,
    report: (text) => log.error({}, text),
    replaced: (zone, image, expire) => served.replaced(zone, image, clock.seconds(), expire),
    examined: (zone, expire) => served.examined(zone, expire),
  });
  await declareStored(keeper, state, transferredZones(config));
  const rollover = state && (await openRollover(config, state, clock, log));
  const loader = new ZoneLoader(settings, clock, log, served, keeper.files);
  return { keeper, state, signing, rollover, loader, members, restrict: (policies) => publisher.restrict(policies) };
}

/** Keys of the zones of a configuration that are in no file, and of those that are served now. */
function otherZones(keeper: ZoneKeeper): (config: Config) => readonly string[] {
  return (config) => [...configuredZones(config), ...Array.from(keeper.all(), ({ zone }) => zone)];
}

/** The settings of a configuration for finding and loading zones. `others`: keys of zones that are in no file. */
function zoneSettingsOf(
  options: ServerOptions,
  others: (config: Config) => readonly string[],
  members: MemberPolicies,
): (config: Config) => ZoneSettings {
  // Places in the file are those of the moment when the configuration was read: they are kept with it.
  let places = { of: options.config, placeOf: policyPlaces(options.configFile, options.config) };
  return (config) => {
    if (places.of !== config) places = { of: config, placeOf: policyPlaces(options.configFile, config) };
    const { placeOf } = places;
    return {
      list: () => options.zones(config),
      folder: config.zones.folder,
      nsec3MaxIterations: config.nsec3_max_iterations,
      dnssecChecks: dnssecChecksOf(config),
      // Members may have come since the files began to be read.
      get policies() {
        return policiesOf(members.with(config));
      },
      policyMistakes: (zones) =>
        unservedPolicies(config.zones.policies, new Set([...zones, ...others(config)]), placeOf),
    };
  };
}
