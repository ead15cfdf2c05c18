/**
 * The life of zones while they are served, with other nameservers and with the signer: each part is opened here, follows the configuration,
 * and is closed again.
 */
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import type { Clock } from '../session/clock.js';
import type { OwnedMember } from '../transfer/catalog/catalog-owners.js';
import type { PoliciesInForce } from './catalogs/member-policies.js';
import { MEMBERS, memberTable } from './catalogs/member-table.js';
import { Catalogs } from './catalogs/open-catalogs.js';
import type { PinRollover } from './certificates/pin-rollover.js';
import { Notifier } from './notify/notifier.js';
import { RemoteHosts } from './remote-hosts.js';
import type { RequestHandlers } from './requests.js';
import type { SecondaryStatus } from './secondaries/secondary-host.js';
import { SecondaryZones } from './secondaries/secondary-zones.js';
import type { ServedTls, TransportSignals } from './signals/transport-signals.js';
import type { ZoneSigning } from './signing/zone-signing.js';
import { openUpdates } from './updates/open-updates.js';
import { zonePolicyOf } from './zone-policy.js';
import type { KeptState } from './zones/kept-state.js';
import type { ZoneKeeper } from './zones/zone-keeper.js';

/** The parts of the server that zone life needs. */
interface ZoneLifeParts {
  readonly keeper: ZoneKeeper;
  /** undefined: none is configured. */
  readonly state: KeptState | undefined;
  /** undefined: without state, nothing is signed. It is closed here. */
  readonly signing: ZoneSigning | undefined;
  /** Says which keys are published; undefined: without state, none is. */
  readonly rollover?: PinRollover | undefined;
  /** Those for groups of catalogs among them. */
  readonly policies: Pick<PoliciesInForce, 'config' | 'follow'>;
  /** The port of TLS, and its service; undefined: TLS is not served. */
  servedTls(): ServedTls | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Handlers of NOTIFY and UPDATE; the parts enter theirs. */
  readonly requests: RequestHandlers;
  /** Whether threads may be used: not in a server within another program. */
  readonly thread: boolean;
}

/** A part that runs. */
interface ZoneLifePart {
  /** Follows a configuration that is in force from now on. */
  configure(config: Config): void | Promise<void>;
  close(): Promise<void>;
  /** The status of a zone that has primaries. */
  status?(zone: string): Promise<SecondaryStatus | undefined>;
}

/** All parts, as the server sees them. */
export interface ZoneLife extends Required<Omit<ZoneLifePart, 'configure'>> {
  /** Follows the configuration in force. */
  configure(): Promise<void>;
  readonly notifier: Notifier;
  /** Numbers of UPDATEs, by the RCODE of their answers. */
  readonly updates: ReadonlyMap<number, number>;
  /** Remotes, as requests are matched against them. */
  readonly remotes: RemoteHosts;
  readonly secondaries: SecondaryZones;
  readonly catalogs: Catalogs;
  /** undefined: without state, nothing is signed. */
  readonly signing: ZoneSigning | undefined;
  /** To be called when zone files may have come or gone. */
  reloaded(): void;
  /** undefined: without state, no zone has signals of DNS over TLS. */
  readonly signals: TransportSignals | undefined;
}

/** Name of the table of records that are added to zones as signals of DNS over TLS. */
const TRANSPORTS = 'transports';
/** Without state no catalog is consumed: nothing has to be stored. */
const NO_MEMBERS = { read: () => [], write: async () => undefined };

/** Opens the parts, in this order; they are closed in the other, those too that are open when a later one cannot be opened. */
export async function openZoneLife(parts: ZoneLifeParts): Promise<ZoneLife> {
  const open: ZoneLifePart[] = [];
  try {
    return await openAll(parts, open);
  } catch (error) {
    await closeAll(open);
    throw error;
  }
}

/** Opens the parts, and adds each to `open`. */
async function openAll(parts: ZoneLifeParts, open: ZoneLifePart[]): Promise<ZoneLife> {
  const { keeper, state, signing, policies, log, clock } = parts;
  const { config } = policies;
  const opened = <Part extends ZoneLifePart>(part: Part): Part => {
    open.push(part);
    return part;
  };
  keeper.configure(zonePolicyOf(config));
  const remotes = opened(new RemoteHosts(config, parts));
  const secondaries = opened(new SecondaryZones(config, { ...parts, remotes }));
  const notifier = opened(openNotifier(config, parts));
  const updates = opened(openUpdates(config, { ...parts, remotes }));
  const table = state === undefined ? NO_MEMBERS : memberTable(state.table(MEMBERS), log);
  let following = Promise.resolve();
  /** Has all parts but the catalogs follow the configuration in force: once for each call, so that all of them end with the last one. */
  const followConfig = (): Promise<void> => {
    // The zones that are signed here are known first, because other parts go by them. They are known at once: the answer to a reload has
    // the warnings of signing.
    keeper.configure(zonePolicyOf(policies.config));
    signing?.configure(policies.config);
    const followed = following.then(async () => {
      const { config: next } = policies;
      for (const part of open) if (part !== catalogs) await part.configure(next);
    });
    following = followed.catch(() => undefined);
    return followed;
  };
  const follow = async (members: readonly OwnedMember[]): Promise<Config | undefined> => {
    if (!(await policies.follow(members))) return undefined;
    await followConfig();
    return policies.config;
  };
  const catalogs: Catalogs = opened(new Catalogs(config, { keeper, secondaries, table, follow, clock, log }));
  await catalogs.configure(config);
  if (signing !== undefined) opened({ configure: () => undefined, close: () => signing.close() });
  signing?.begin(keeper);
  if (signing !== undefined && state !== undefined) {
    const { ParentSide } = await import('./signing/parent-side.js');
    opened(new ParentSide(policies.config, { keeper, state, signing: signing.known, clock, log }));
  }
  const signals = await openSignals(policies.config, parts);
  if (signals !== undefined) opened(signals);
  return {
    remotes,
    secondaries,
    notifier,
    updates: updates.counts,
    catalogs,
    signing,
    reloaded: () => catalogs.zonesChanged(),
    signals,
    async configure() {
      await followConfig();
      await catalogs.configure(policies.config);
    },
    async status(zone) {
      for (const part of open) {
        const status = await part.status?.(zone);
        if (status !== undefined) return status;
      }
      return undefined;
    },
    async close() {
      await closeAll(open);
      await keeper.close();
    },
  };
}

/** Signals of DNS over TLS; undefined: there is no state. */
async function openSignals(config: Config, parts: ZoneLifeParts): Promise<TransportSignals | undefined> {
  const { keeper, state, rollover, servedTls: served, clock, log } = parts;
  if (state === undefined || rollover === undefined) return undefined;
  const { TransportSignals } = await import('./signals/transport-signals.js');
  const { additionsTable } = await import('./signals/additions-table.js');
  const { COMMITMENTS, Commitments } = await import('./signals/commitments.js');
  const { SecondarySerials } = await import('./signals/secondary-serials.js');
  const table = additionsTable(state.table(TRANSPORTS), 'signals of DNS over TLS', log);
  const secondaries = new SecondarySerials(config, clock, log);
  const commitments = new Commitments(state.table(COMMITMENTS), clock, log);
  const signals = new TransportSignals(config, {
    keeper,
    table,
    rollover,
    commitments,
    secondaries,
    served,
    clock,
    log,
  });
  keeper.onPublished(() => signals.changed());
  return signals;
}

async function closeAll(open: readonly ZoneLifePart[]): Promise<void> {
  for (const part of open.toReversed()) await part.close();
}

/** Others are told of new versions, and at the start of all zones: they may have changed while the server did not run. */
function openNotifier(config: Config, { keeper, clock, log }: ZoneLifeParts): Notifier {
  const image = (zone: string): Uint8Array | undefined => {
    const kept = keeper.get(zone);
    return kept?.state === 'served' ? kept.image : undefined;
  };
  const zones = (): Iterable<string> => Array.from(keeper.all(), ({ zone }) => zone);
  const notifier = new Notifier(config, { image, zones, clock, log });
  keeper.onPublished((zone, serial) => void notifier.changed(zone, serial));
  for (const { zone, serial } of keeper.all()) notifier.changed(zone, serial);
  return notifier;
}
