/**
 * Handles UPDATE (RFC 2136) in the control thread: judges the message on the zone as the changes before it have left it, and answers
 * NOERROR when the change is stored and every thread answers with it. Changes that come while others are being stored become one version.
 */
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import { type Changes, ImageView, type ZoneView } from '../../image/changes/zone-view.js';
import type { Log } from '../../observe/log.js';
import { Class, Ede, Rcode, Type } from '../../protocol/iana.js';
import { nameKey } from '../../protocol/name.js';
import { judgeUpdate } from '../../transfer/update/judge-update.js';
import type { Refusal } from '../../transfer/update/refusal.js';
import { readUpdate, type UpdateMessage } from '../../transfer/update/update-message.js';
import { Permissions } from '../../transfer/update/update-policy.js';
import { isRemote, type KnownRemotes } from '../remotes.js';
import type { RequestAnswer, SignedRequest } from '../requests.js';
import { type EffectivePolicy, zonePolicyOf } from '../zone-policy.js';
import { changesText, clientOf } from './update-lines.js';
import { rulesOf } from './update-rules.js';

/** The facts about a zone. */
interface KnownZone {
  readonly role: 'file' | 'secondary' | 'catalog-consumed' | 'catalog-produced';
  readonly state: 'served' | 'empty' | 'expired' | 'failed';
  readonly image: Uint8Array | undefined;
  /** Id of the plan by which it is signed here; undefined: it is not. */
  readonly plan?: string | undefined;
}

/** The keeper of zones, as changes use it. */
export interface ChangedZones {
  get(zone: string): KnownZone | undefined;
  /**
   * Calls `make` with the version as changes before it have left it. Fulfilled once the change is stored, and every thread answers with it;
   * when there is nothing to change, once the changes before it are stored. Rejects when it is not made.
   */
  change(zone: string, make: (view: ZoneView) => Changes | undefined): Promise<{ readonly serial: number }>;
}

interface UpdateParts {
  readonly keeper: ChangedZones;
  readonly log: Log;
  readonly remotes: KnownRemotes;
}

/** An answer that is decided before the zone is looked at. */
interface Refused extends Refusal {
  readonly ede: number;
  /** Whether the client is one that a rule names. Strangers are not logged at `info`: anybody can be one. */
  readonly isKnown: boolean;
}

export class UpdateHandler {
  readonly #keeper: UpdateParts['keeper'];
  readonly #log: Log;
  readonly #remotes: KnownRemotes;
  readonly #counts = new Map<number, number>();
  #policyOf: (zone: string) => EffectivePolicy;

  constructor(config: Pick<Config, 'zones' | 'dnssec'>, { keeper, log, remotes }: UpdateParts) {
    this.#keeper = keeper;
    this.#log = log;
    this.#remotes = remotes;
    this.#policyOf = zonePolicyOf(config);
  }

  /** Follows another configuration, from the next message on. */
  configure(config: Pick<Config, 'zones' | 'dnssec'>): void {
    this.#policyOf = zonePolicyOf(config);
  }

  /** Numbers of updates, by the RCODE of their answers. */
  get counts(): ReadonlyMap<number, number> {
    return this.#counts;
  }

  /** Answers a message whose signature, if it has one, is valid; `begin` as in OpcodeHandler. Never rejects. */
  async handle(request: SignedRequest, begin: () => boolean): Promise<RequestAnswer> {
    const answer = await this.#answer(request, begin);
    this.#counts.set(answer.rcode, (this.#counts.get(answer.rcode) ?? 0) + 1);
    return answer;
  }

  async #answer(request: SignedRequest, begin: () => boolean): Promise<RequestAnswer> {
    const zone = nameKey(request.name);
    const permissions = this.#permissionsOf(zone, request);
    // Before the records are read: anybody can send a message of thousands.
    const refused = refusalOf(zone, request, this.#keeper.get(zone), permissions);
    if (refused !== undefined) return this.#refuse(zone, request, refused);
    const message = readUpdate(request.octets);
    if (typeof message === 'string') return { rcode: Rcode.FORMERR, ede: Ede.OTHER, text: message };
    return await this.#change(zone, message, permissions, request, begin);
  }

  #permissionsOf(zone: string, { peer }: SignedRequest): Permissions {
    return new Permissions(rulesOf(this.#policyOf(zone)), {
      key: peer.key?.name,
      isRemote: (name) => {
        const remote = this.#remotes.get(name);
        return remote !== undefined && isRemote(remote, peer);
      },
    });
  }

  async #change(
    zone: string,
    message: UpdateMessage,
    permissions: Permissions,
    request: SignedRequest,
    begin: () => boolean,
  ): Promise<RequestAnswer> {
    let refusal: Refusal | undefined;
    let changes: Changes | undefined;
    const make = (view: ZoneView): Changes | undefined => {
      // It has waited for changes before it, and its client has read SERVFAIL meanwhile.
      if (!begin()) throw new AdotdError(ErrorCode.ZONE_STATE, 'it waited too long for other changes');
      ({ refusal, changes } = judgeUpdate(view, message, permissions));
      return changes;
    };
    try {
      const { serial } = await this.#keeper.change(zone, make);
      if (refusal !== undefined) return this.#refuse(zone, request, { ...refusal, ede: edeOf(refusal), isKnown: true });
      if (changes !== undefined) this.#logChange(zone, request, changes, serial);
      return { rcode: Rcode.NOERROR };
    } catch (error) {
      return this.#failed(zone, request, error);
    }
  }

  #refuse(zone: string, { peer }: SignedRequest, { rcode, reason, ede, isKnown }: Refused): RequestAnswer {
    const { text, fields } = clientOf(peer);
    const line = `zone ${zone}: UPDATE of ${text} answered ${rcodeText(rcode)}: ${reason}`;
    // A prerequisite that does not hold is part of the protocol, and no trouble.
    const isNotable = isKnown && (rcode === Rcode.REFUSED || rcode === Rcode.SERVFAIL);
    this.#log[isNotable ? 'warn' : 'debug']({ zone, ...fields, rcode: rcodeText(rcode) }, line);
    return { rcode, ede, text: reason };
  }

  #logChange(zone: string, { peer }: SignedRequest, changes: Changes, serial: number): void {
    const client = clientOf(peer);
    const { text, fields } = changesText(changes);
    const line = `zone ${zone} changed by UPDATE of ${client.text}, serial ${serial}: ${text}`;
    this.#log.info({ zone, ...client.fields, ...fields, serial }, line);
  }

  /** A zone that would not be valid is the client's mistake; a change that cannot be signed or stored is not. Neither is applied. */
  #failed(zone: string, request: SignedRequest, error: unknown): RequestAnswer {
    if (error instanceof AdotdError && error.code === ErrorCode.ZONE_INVALID) {
      const [reason = error.message] = error.message.split('\n');
      return this.#refuse(zone, request, { rcode: Rcode.REFUSED, reason, ede: Ede.OTHER, isKnown: true });
    }
    const client = clientOf(request.peer);
    const line = `zone ${zone}: UPDATE of ${client.text} answered SERVFAIL, nothing is changed: ${messageOf(error)}`;
    this.#log.error({ zone, ...client.fields, err: error }, line);
    const isUnsigned = error instanceof AdotdError && error.code === ErrorCode.DNSSEC_KEY;
    const text = `the change could not be ${isUnsigned ? 'signed' : 'stored'}; nothing is changed`;
    return { rcode: Rcode.SERVFAIL, ede: Ede.OTHER, text };
  }
}

/**
 * The answer that needs no look at the zone's content (RFC 2136 §3.1.1), nor at the records of the message; undefined: there is more to
 * judge. `name`: of the zone, as nameKey() writes it.
 */
function refusalOf(
  name: string,
  { type, class: zoneClass }: SignedRequest,
  kept: KnownZone | undefined,
  permissions: Permissions,
): Refused | undefined {
  // Malformed, which the reader says.
  if (type !== Type.SOA) return undefined;
  const refused = (rcode: number, ede: number, reason: string): Refused => ({
    rcode,
    ede,
    reason,
    isKnown: !permissions.isEmpty,
  });
  if (kept === undefined || zoneClass !== Class.IN)
    return refused(Rcode.NOTAUTH, Ede.NOT_AUTHORITATIVE, `${name} is no zone of this server`);
  if (kept.role === 'secondary' || kept.role === 'catalog-consumed')
    return refused(Rcode.NOTAUTH, Ede.NOT_AUTHORITATIVE, `${name} comes from a primary: send UPDATE to that`);
  if (permissions.isEmpty) return refused(Rcode.REFUSED, Ede.PROHIBITED, `this client may not change ${name}`);
  if (kept.state !== 'served' || kept.image === undefined)
    return refused(Rcode.SERVFAIL, Ede.NOT_READY, `${name} could not be loaded`);
  if (kept.plan === undefined && isSignedElsewhere(kept.image))
    return refused(
      Rcode.REFUSED,
      Ede.OTHER,
      `${name} is signed elsewhere: change it there, or leave its signatures out`,
    );
  return undefined;
}

/** Whether a zone has a signature of its SOA record that this server cannot make anew. */
function isSignedElsewhere(image: Uint8Array): boolean {
  const view = new ImageView(image);
  return view.types(view.apex).includes(Type.RRSIG);
}

function edeOf({ rcode }: Refusal): number {
  return rcode === Rcode.REFUSED ? Ede.PROHIBITED : Ede.OTHER;
}

const RCODES = new Map<number, string>(Object.entries(Rcode).map(([name, rcode]) => [rcode, name]));

function rcodeText(rcode: number): string {
  return RCODES.get(rcode) ?? `RCODE ${rcode}`;
}
