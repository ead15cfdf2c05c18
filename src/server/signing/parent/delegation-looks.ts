/**
 * Looks at the DS records of zones: asks the servers of the parent, or resolvers where the parent is not configured, and notes the answers.
 * Answers of the parent's servers move the states of keys; answers of resolvers do not.
 */
import type { Config } from '../../../config/schema.js';
import { parentSeen } from '../../../dnssec/rollover/events.js';
import { ImageView } from '../../../image/changes/zone-view.js';
import type { Log } from '../../../observe/log.js';
import { Type } from '../../../protocol/iana.js';
import type { Clock } from '../../../session/clock.js';
import type { DnssecPolicy } from '../dnssec-policy.js';
import type { RunningSigning } from '../running-signing.js';
import { dnskeyOf } from '../stored/stored-signing.js';
import { type AskResolver, DelegationResolver } from './delegation-resolver.js';
import {
  foreignDsText,
  hasDs,
  type Judges,
  judgesOf,
  lookInUse,
  lookOf,
  type ParentLook,
  resolverLookOf,
  startText,
} from './parent-look.js';
import type { AskParent } from './parent-servers.js';

interface LookParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly askParent: AskParent;
  /** Instead of the resolvers that the configuration has. */
  readonly askResolver?: AskResolver | undefined;
  /** The image that a zone is served from: keys of others may be in it. */
  served(zone: string): Uint8Array | undefined;
}

export class DelegationLooks {
  readonly #parts: LookParts;
  readonly #resolver: DelegationResolver;
  readonly #askResolver: AskResolver;

  constructor(config: Config, parts: LookParts) {
    this.#parts = parts;
    this.#resolver = new DelegationResolver(config.resolver, parts.clock);
    this.#askResolver = parts.askResolver ?? this.#resolver.ask;
  }

  /** Asks with other settings from now on. */
  configure(config: Config): void {
    this.#resolver.configure(config.resolver);
  }

  /** Ends all questions. */
  close(): void {
    this.#resolver.close();
  }

  /** `policy`: configured, or the last one. News is logged once. Rejects with the errors of the state. */
  async look(running: RunningSigning, policy: DnssecPolicy): Promise<void> {
    const { zone, apex, kept } = running.signing;
    const before = lookInUse(running.look, policy);
    const own = Object.keys(kept.dnskeys).map((id) => dnskeyOf(kept.dnskeys, id));
    const others = kept.keys.foreign.map(({ dnskey }) => Buffer.from(dnskey, 'base64'));
    const judges = judgesOf(apex, [...own, ...dnskeysOf(this.#parts.served(zone))], others);
    const look = policy.rollover.isParentAsked
      ? await this.#lookAtParent(running, policy, before, judges)
      : resolverLookOf(await this.#askResolver(apex), this.#parts.clock.seconds(), before, judges);
    this.#sayNews(running, look, before);
    running.look = look;
  }

  async #lookAtParent(
    { signing }: RunningSigning,
    { parent, rollover }: DnssecPolicy,
    before: ParentLook | undefined,
    judges: Judges,
  ): Promise<ParentLook> {
    const { zone, apex } = signing;
    const failures: string[] = [];
    const answers = await this.#parts.askParent(zone, parent, (reason) => failures.push(reason));
    const now = this.#parts.clock.seconds();
    await signing.change((kept) => {
      const seen = answers.map(
        (answer) =>
          answer && (({ id }: { readonly id: string }): boolean => hasDs(answer, dnskeyOf(kept.dnskeys, id), apex)),
      );
      return { ...kept, keys: parentSeen(kept.keys, now, seen, rollover.parentPropagation) };
    });
    return lookOf(answers, failures, now, before, judges);
  }

  #sayNews({ signing }: RunningSigning, look: ParentLook, before: ParentLook | undefined): void {
    const { zone, kept } = signing;
    const { log } = this.#parts;
    const isSilent = look.silent > 0;
    const wasSilent = (before?.silent ?? 0) > 0;
    const isUnsigned = kept.keys.keys.length === 0;
    if (look.isForeign && before?.isForeign !== true)
      log.error({ zone }, `${zone} ${foreignDsText(look, kept.keys, zone)}`);
    if (!look.isForeign && before?.isForeign === true)
      log.info({ zone }, `${zone}: no DS record of another key is seen any more: ${look.text}`);
    if (!look.isByResolver) {
      const all = `not all of its servers say which DS records they have`;
      if (isSilent && !wasSilent) log.warn({ zone }, `${zone} waits for its parent, and ${all}: ${look.text}`);
      if (!isSilent && wasSilent)
        log.info({ zone }, `${zone}: all servers of its parent say again which DS records they have: ${look.text}`);
      return;
    }
    if (!isUnsigned) return;
    if (look.isDenied === true && look.silentSince !== undefined)
      log.warn(
        { zone },
        `${zone} gets its first key, and nobody can say whether there is a DS record of another one: ${look.text}`,
      );
    else if (isSilent && !wasSilent)
      log.warn(
        { zone },
        `${zone} is not signed yet: resolvers are asked whether there is a DS record of another key; ${look.text}; it is tried again; ${startText(zone)}`,
      );
  }
}

/** RDATA of the DNSKEY records of a zone. */
function dnskeysOf(image: Uint8Array | undefined): readonly Uint8Array[] {
  if (image === undefined) return [];
  const view = new ImageView(image);
  return view.rrset(view.apex, Type.DNSKEY).map(({ rdata }) => rdata);
}
