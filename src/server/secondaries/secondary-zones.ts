/**
 * The secondary zones of a server: those that the configuration names, consumed catalogs, and their members. They are declared to the
 * keeper of zones, transferred, and expire; NOTIFY for them comes here.
 */
import type { Config } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { NO_SECONDARIES, type SecondaryFacts } from '../../observe/metrics/secondary-facts.js';
import { Class, Ede, Rcode, Type } from '../../protocol/iana.js';
import { nameFromText, nameKey, zoneKey } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import type { StoredFacts } from '../../state/zone-facts.js';
import { notifiedSerial } from '../../transfer/in/notified-serial.js';
import type { RefreshFacts } from '../../transfer/in/zone-refresh.js';
import type { Difference } from '../../zone/changes/difference.js';
import { isRemote, type KnownRemotes } from '../remotes.js';
import type { OpcodeHandler, RequestHandlers } from '../requests.js';
import { openSecondaries } from './secondaries.js';
import type {
  ReceivedVersion,
  RoundResult,
  SecondaryCounts,
  SecondarySettings,
  SecondaryStatus,
} from './secondary-host.js';
import { transferLimits } from './secondary-settings.js';
import { fromStored, toStored } from './stored-refresh.js';
import { UsableRemotes } from './usable-remotes.js';

type SecondaryRole = 'secondary' | 'catalog-consumed';

interface Wanted {
  readonly role: SecondaryRole;
  /** Names of remotes. */
  readonly from: readonly string[];
}

/** A member of a consumed catalog. */
interface Member {
  /** As zoneKey() writes it. */
  readonly zone: string;
  readonly from: readonly string[];
}

/** The part of the keeper of zones for secondaries (zones/zone-keeper.ts). Zones are given by their keys. */
interface SecondaryKeeper {
  get(zone: string):
    | {
        /** The version that is served, or that has expired. */
        readonly image: Uint8Array | undefined;
        /** The primary's. */
        readonly sourceSerial: number;
        readonly origin: string | undefined;
      }
    | undefined;
  declare(zone: string, role: SecondaryRole): void;
  withdraw(zone: string): Promise<void>;
  /** Whether the zone is signed here: its primaries give only its content. */
  isSignedHere(zone: string): boolean;
  /** Serves a version, or signs content and serves that. */
  adopt(zone: string, version: AdoptedVersion): Promise<void>;
  expire(zone: string): Promise<void>;
  renew(zone: string): Promise<void>;
  /** The stored facts of a zone. */
  facts(zone: string): StoredFacts | undefined;
  /** Stores facts of a zone. */
  note(zone: string, facts: Partial<StoredFacts>): Promise<void>;
}

interface AdoptedFacts {
  readonly sourceSerial: number;
  readonly origin: string;
  /** Stored with it. */
  readonly facts: Partial<StoredFacts>;
}

type AdoptedVersion = AdoptedFacts &
  (
    | { readonly image: Uint8Array; readonly differences: readonly Difference[] | undefined }
    | { readonly content: { readonly image: Uint8Array } | { readonly difference: Difference } }
  );

interface SecondaryParts {
  readonly keeper: SecondaryKeeper;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a thread may be used. */
  readonly thread: boolean;
  /** The handler of NOTIFY is entered here, as long as there is a secondary zone: else NOTIFY gets NOTIMP. */
  readonly requests: RequestHandlers;
  readonly remotes: KnownRemotes;
}

/** The secondary zones of a running server. */
export class SecondaryZones {
  readonly #parts: SecondaryParts;
  readonly #members = new Map<string, Member>();
  readonly #facts = new Map<string, RefreshFacts>();
  readonly #secondaries: ReturnType<typeof openSecondaries>;
  readonly #usable: UsableRemotes;
  #config: Config;
  #wanted = new Map<string, Wanted>();
  /** Zones that are being withdrawn. */
  readonly #leaving = new Map<string, Promise<void>>();
  #refusedNotifies = 0;
  #counts: SecondaryCounts = NO_SECONDARIES;

  constructor(config: Config, parts: SecondaryParts) {
    this.#config = config;
    this.#parts = parts;
    const { keeper, log, clock, thread } = parts;
    this.#usable = new UsableRemotes(log, 'no zones are transferred from it');
    this.#secondaries = openSecondaries({
      host: {
        image: async (zone) => keeper.get(zone)?.image,
        adopt: (zone, version) => this.#adopt(zone, version),
        confirm: (zone, facts) => this.#note(zone, facts),
        expire: (zone) => keeper.expire(zone),
        renew: (zone) => keeper.renew(zone),
      },
      settings: () => this.#settings(),
      log,
      clock,
      thread,
    });
    void this.#follow();
  }

  /** Follows a configuration that is in force from now on. */
  configure(config: Config): void {
    this.#config = config;
    void this.#follow();
  }

  /** Takes members of catalogs away, and forgets them. */
  async remove(zones: readonly string[]): Promise<void> {
    for (const zone of zones) this.#members.delete(zone);
    await this.#follow();
  }

  /** Adds members of catalogs; those that are there stay as they are. */
  put(members: readonly Member[]): void {
    for (const member of members) this.#members.set(member.zone, member);
    void this.#follow();
  }

  /** Answers NOTIFY at once; its effects come later (RFC 1996 §4.7). */
  readonly #notified: OpcodeHandler = async ({ octets, name, type, class: qclass, peer }) => {
    if (type !== Type.SOA || qclass !== Class.IN) return { rcode: Rcode.NOTIMP };
    const zone = nameKey(name);
    const secondary = this.#wanted.get(zone);
    if (secondary === undefined) return notNotified(this.#parts.keeper.get(zone) !== undefined);
    const sender = secondary.from.find((one) => {
      const remote = this.#parts.remotes.get(one);
      return remote !== undefined && isRemote(remote, peer);
    });
    if (sender === undefined) {
      this.#refusedNotifies++;
      return { rcode: Rcode.REFUSED, ede: Ede.PROHIBITED };
    }
    this.#secondaries.notify(zone, sender, notifiedSerial(octets, name));
    return { rcode: Rcode.NOERROR };
  };

  /** Checks a zone at once; `isFull`: transfers it whole. undefined: it is no secondary zone. */
  transfer(zone: string, isFull: boolean): Promise<RoundResult | undefined> {
    return this.#secondaries.transfer(zone, isFull);
  }

  /** undefined: it is no secondary zone. */
  status(zone: string): Promise<SecondaryStatus | undefined> {
    return this.#secondaries.status(zone);
  }

  /** A line for each primary whose files cannot be used. */
  get problems(): readonly string[] {
    return this.#usable.problems;
  }

  /** Figures for metrics. The thread that has them is asked now; these are those of its last reply. */
  get facts(): SecondaryFacts {
    const refreshed = this.#secondaries.counts().then((counts) => {
      this.#counts = counts;
    });
    // A thread that is being started again has none.
    refreshed.catch(() => {});
    return { ...this.#counts, refusedNotifies: this.#refusedNotifies };
  }

  async close(): Promise<void> {
    this.#parts.requests.notify = undefined;
    await this.#secondaries.close();
  }

  /** Follows the zones that are wanted now. Fulfilled once zones that are gone are not served any more. */
  async #follow(): Promise<void> {
    const before = this.#wanted;
    const wanted = wantedZones(this.#config, this.#members);
    this.#wanted = wanted;
    this.#parts.requests.notify = wanted.size > 0 ? this.#notified : undefined;
    const gone = [...before].filter(([zone, { role }]) => wanted.get(zone)?.role !== role).map(([zone]) => zone);
    for (const zone of gone) this.#facts.delete(zone);
    const withdrawn = Promise.all(gone.map((zone) => this.#withdraw(zone)));
    for (const [zone, { role }] of wanted) if (!this.#leaving.has(zone)) this.#declare(zone, role);
    this.#secondaries.configure();
    await withdrawn;
  }

  /** Withdraws a zone; if it is wanted again meanwhile, or in another role, it is declared when that is done. Never rejects. */
  #withdraw(zone: string): Promise<void> {
    const { keeper, log } = this.#parts;
    const leaving = this.#leaving.get(zone);
    if (leaving !== undefined) return leaving;
    const left = keeper
      .withdraw(zone)
      .catch((error: unknown) =>
        log.error({ zone, err: error }, `zone ${zone} is not served any more, and stays stored: ${messageOf(error)}`),
      )
      .then(() => {
        this.#leaving.delete(zone);
        const again = this.#wanted.get(zone);
        if (again === undefined) return;
        this.#declare(zone, again.role);
        this.#secondaries.configure();
      });
    this.#leaving.set(zone, left);
    return left;
  }

  #declare(zone: string, role: SecondaryRole): void {
    const { keeper, log } = this.#parts;
    try {
      keeper.declare(zone, role);
    } catch (error) {
      log.error({ zone, err: error }, `zone ${zone} cannot be a secondary: ${messageOf(error)}`);
      this.#wanted.delete(zone);
    }
  }

  #settings(): SecondarySettings {
    const config = this.#config;
    const zones = [...this.#wanted].filter(([zone]) => !this.#leaving.has(zone));
    return {
      zones: zones.map(([key, { from }]) => ({
        key,
        apex: nameFromText(key),
        from,
        facts: this.#factsOf(key),
        isSignedHere: this.#parts.keeper.isSignedHere(key),
      })),
      primaries: this.#usable.configure(config, new Set(zones.flatMap(([, { from }]) => from))),
      limits: transferLimits(config),
      resolver: config.resolver,
      nsec3MaxIterations: config.nsec3_max_iterations,
    };
  }

  #factsOf(zone: string): RefreshFacts | undefined {
    const { keeper } = this.#parts;
    const kept = keeper.get(zone);
    if (kept?.image === undefined) return undefined;
    const known = this.#facts.get(zone) ?? fromStored(keeper.facts(zone));
    // A version may have been stored, and not yet the facts about it: the version counts.
    return known && { ...known, serial: kept.sourceSerial, origin: kept.origin ?? known.origin };
  }

  async #adopt(zone: string, version: ReceivedVersion): Promise<void> {
    const { serial: sourceSerial, origin, facts } = version;
    const known = { sourceSerial, origin, facts: toStored(facts) };
    const { form } = version;
    const records =
      form === 'version'
        ? { image: version.image, differences: version.differences, run: version.run }
        : { content: form === 'content' ? { image: version.image } : { difference: version.difference } };
    await this.#parts.keeper.adopt(zone, { ...known, ...records });
    this.#facts.set(zone, facts);
  }

  async #note(zone: string, facts: RefreshFacts): Promise<void> {
    this.#facts.set(zone, facts);
    await this.#parts.keeper.note(zone, toStored(facts));
  }
}

/** We are a primary of the zone, or do not serve it (RFC 1996 §3.10, RFC 2136's NOTAUTH). */
function notNotified(isServed: boolean): { readonly rcode: number; readonly ede?: number } {
  return isServed
    ? { rcode: Rcode.REFUSED, ede: Ede.PROHIBITED }
    : { rcode: Rcode.NOTAUTH, ede: Ede.NOT_AUTHORITATIVE };
}

/** By key. Zones that the configuration names come before members of catalogs. */
function wantedZones({ zones }: Pick<Config, 'zones'>, members: ReadonlyMap<string, Member>): Map<string, Wanted> {
  const entry = (zone: string, role: SecondaryRole, from: readonly string[]): [string, Wanted] => [
    zone,
    { role, from },
  ];
  return new Map([
    ...[...members.values()].map(({ zone, from }) => entry(zone, 'secondary', from)),
    ...zones.secondary.flatMap((one) => one.zones.map((zone) => entry(zoneKey(zone), 'secondary', one.from))),
    ...zones.catalogs.map(({ zone, from }) => entry(zoneKey(zone), 'catalog-consumed', from)),
  ]);
}
