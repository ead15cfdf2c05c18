/** Gathers how RRsets and their signatures change, and has the signatures made. Each RRset is decided once: the last word counts. */
import { Class, Type } from '../../protocol/iana.js';
import { labelCount, nameLength } from '../../protocol/name.js';
import { readU32, writeU16, writeU32 } from '../../protocol/octets.js';
import { canonicalRdata } from '../../protocol/rdata/wire.js';
import type { Difference } from '../../zone/changes/difference.js';
import { Rrsig } from '../../zone/rrsets.js';
import type { SigningKey } from '../keys/signing-key.js';
import { sortKey } from './names.js';
import { RecordList } from './record-list.js';
import { earlyEnd, keptSignature, SignatureMaker, type SigningContext, type ToSign } from './signature-maker.js';
import type { ViewRrset } from './signed-view.js';
import { sameRdata } from './signers-types.js';
import type { KeySet } from './signing-policy.js';
import type { ChangedRrset } from './zone-change.js';

/** Octets of a record between owner and RDATA. */
const FIXED = 10;
const ASTERISK = 0x2a;

interface Decision {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly sets: ChangedRrset;
  readonly signatures: readonly Uint8Array[];
  readonly signers: readonly SigningKey[];
  /** Whether its records are ones that signing makes, and so not part of the difference of the content. */
  readonly isOurs: boolean;
}

export class RrsetChanges {
  readonly #apex: Uint8Array;
  readonly #context: SigningContext;
  readonly #decisions = new Map<string, Decision>();

  constructor(apex: Uint8Array, context: SigningContext) {
    this.#apex = apex;
    this.#context = context;
  }

  get keys(): KeySet {
    return this.#context.keys;
  }

  /**
   * Decides about an RRset. `signatures`: those over it in the older version. `signers`: sign it in the newer one; none: it is not
   * signed there.
   */
  change(
    owner: Uint8Array,
    type: number,
    sets: ChangedRrset,
    signatures: readonly Uint8Array[],
    signers: readonly SigningKey[],
    isOurs: boolean,
  ): void {
    this.#decisions.set(`${type} ${sortKey(owner)}`, { owner, type, sets, signatures, signers, isOurs });
  }

  /** The runs of the whole difference, that of the content included, and the number of signatures that were made. */
  finish(content: Difference): { removed: Uint8Array; added: Uint8Array; made: number } {
    const [removed, added] = [new RecordList(), new RecordList()];
    removed.addRun(content.removed);
    added.addRun(content.added);
    const decisions = [...this.#decisions.values()];
    const maker = new SignatureMaker(this.#apex, this.#context, decisions.length, (ticket, rdata) =>
      added.add(decisions[ticket]!.owner, Type.RRSIG, readU32(rdata, Rrsig.ORIGINAL_TTL), rdata),
    );
    for (const [ticket, decision] of decisions.entries()) this.#carryOut(decision, ticket, removed, added, maker);
    maker.finish();
    return { removed: removed.toRun(), added: added.toRun(), made: maker.made };
  }

  #carryOut(decision: Decision, ticket: number, removed: RecordList, added: RecordList, maker: SignatureMaker): void {
    const { owner, type, sets, signatures, signers, isOurs } = decision;
    const { before, after } = sets;
    const isSame = isSameRrset(type, before, after);
    if (isOurs && !isSame) {
      for (const rdata of before?.rdata ?? []) removed.add(owner, type, before!.ttl, rdata);
      for (const rdata of after?.rdata ?? []) added.add(owner, type, after!.ttl, rdata);
    }
    const kept = new Set<Uint8Array>();
    const until = earlyEnd(signatures, this.#context);
    for (const key of after === undefined ? [] : signers) {
      const same = isSame ? keptSignature(signatures, key, after!.ttl, this.#context) : undefined;
      if (same === undefined) maker.add(key, { ...toSign(owner, type, after!, ticket), until });
      else kept.add(same);
    }
    for (const rdata of signatures)
      if (!kept.has(rdata)) removed.add(owner, Type.RRSIG, readU32(rdata, Rrsig.ORIGINAL_TTL), rdata);
  }
}

function isSameRrset(type: number, before: ViewRrset | undefined, after: ViewRrset | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return before.ttl === after.ttl && sameRdata(type, before.rdata, after.rdata);
}

function toSign(owner: Uint8Array, type: number, { ttl, rdata }: ViewRrset, ticket: number): Omit<ToSign, 'until'> {
  const ownerLength = nameLength(owner);
  const canonical = rdata.map((one) => canonicalRdata(type, one));
  const octets = canonical.reduce((sum, one) => sum + ownerLength + FIXED + one.length, 0);
  const isWildcard = owner[0] === 1 && owner[1] === ASTERISK;
  const labels = labelCount(owner) - (isWildcard ? 1 : 0);
  const write = (out: Uint8Array, at: number): void => {
    let to = at;
    for (const one of canonical) {
      out.set(owner, to);
      to += ownerLength;
      writeU16(out, to, type);
      writeU16(out, to + 2, Class.IN);
      writeU32(out, to + 4, ttl);
      writeU16(out, to + 8, one.length);
      out.set(one, to + FIXED);
      to += FIXED + one.length;
    }
  };
  return { ticket, owner, ownerLength, labels, type, ttl, octets, write };
}
