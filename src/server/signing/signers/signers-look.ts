/** A look at the keys of a zone at all servers of its other signers (RFC 8901): its result, and the time of the next look. */
import { type SignerAnswer, signersSeen } from '../../../dnssec/rollover/events.js';
import type { KeyProgress } from '../../../dnssec/rollover/key-state.js';
import { endOf, signersWait } from '../../../dnssec/rollover/waits.js';
import { type ApexKeys, type KEY_TYPES, ownRecords } from '../../../dnssec/signing/apex-keys.js';
import { counted } from '../../../errors.js';
import type { Log } from '../../../observe/log.js';
import { Type } from '../../../protocol/iana.js';
import { nameFromText } from '../../../protocol/name.js';
import type { Clock } from '../../../session/clock.js';
import { type AnsweredRrset, readRrsetAnswer } from '../../../transfer/in/rrset-answer.js';
import type { DnssecPolicy } from '../dnssec-policy.js';
import type { RemoteServers } from '../remote-servers.js';
import type { SigningZone } from '../signing-zone.js';
import { dnskeyOf, type StoredSigning } from '../stored/stored-signing.js';

/** The key records that a server of another signer has at the apex. */
interface SignerKeys extends ApexKeys {
  /** Seconds: of its DNSKEY RRset. */
  readonly ttl: number;
}

/** Asks all servers of the remotes; one answer for each of their addresses, undefined where there was none. Never rejects. */
export type AskSigners = (
  zone: string,
  remotes: readonly string[],
  failed: (reason: string) => void,
) => Promise<readonly (SignerKeys | undefined)[]>;

export interface SignersLook {
  /** Seconds since 1970. */
  readonly at: number;
  /** The result in words. */
  readonly text: string;
  /** Looks, this one included, since the last one that all servers have answered. */
  readonly silent: number;
}

/** Seconds between two looks: half of the TTL of DNSKEY records while something is waited for, within these bounds. A guess. */
const MIN_INTERVAL = 1;
const MAX_INTERVAL = 3600;

export function askSigners(servers: RemoteServers): AskSigners {
  return (zone, remotes, failed) =>
    servers.askAll(remotes, failed, async (server) => {
      const apex = nameFromText(zone);
      const ask = (type: (typeof KEY_TYPES)[number][1]): Promise<AnsweredRrset> =>
        server.ask({ apex, type }, false, (question, verifier) => ({
          take: (message, now) => readRrsetAnswer(message, question, verifier, now),
        }));
      const [dnskey, cds, cdnskey] = await Promise.all([ask(Type.DNSKEY), ask(Type.CDS), ask(Type.CDNSKEY)]);
      return { ttl: dnskey.ttl, dnskey: dnskey.rdata, cds: cds.rdata, cdnskey: cdnskey.rdata };
    });
}

interface Asking {
  readonly ask: AskSigners;
  readonly clock: Clock;
  readonly log: Log;
}

/** Asks the other signers, and notes their answers. `before`: the look before. Rejects with the errors of the state. */
export async function lookAtSigners(
  signing: SigningZone,
  before: SignersLook | undefined,
  { signers, rollover }: DnssecPolicy,
  { ask, clock, log }: Asking,
): Promise<SignersLook> {
  const { zone, apex } = signing;
  const failures: string[] = [];
  const answers = await ask(zone, signers, (reason) => failures.push(reason));
  const now = clock.seconds();
  await signing.change((kept) => {
    const seen = answers.map((answer) => answer && answerOf(answer, kept, apex));
    return { ...kept, keys: signersSeen(kept.keys, now, seen, rollover.propagation) };
  });
  const known = answers.filter((answer) => answer !== undefined);
  const isWhole = answers.length > 0 && known.length === answers.length;
  const look = {
    at: now,
    text: [textOf(answers.length, known, signing.kept), ...failures].join('; '),
    silent: isWhole ? 0 : (before?.silent ?? 0) + 1,
  };
  if (look.silent > 0 && (before?.silent ?? 0) === 0)
    log.warn({ zone }, `not all servers of the other signers of ${zone} say which keys they have: ${look.text}`);
  return look;
}

function answerOf(answer: SignerKeys, { dnskeys }: StoredSigning, apex: Uint8Array): SignerAnswer {
  const has = (all: readonly Uint8Array[], wanted: readonly Uint8Array[]): boolean =>
    wanted.some((one) => all.some((rdata) => Buffer.compare(rdata, one) === 0));
  const isSilent = answer.cds.length === 0 && answer.cdnskey.length === 0;
  const own = ({ id }: KeyProgress): ApexKeys => ownRecords([dnskeyOf(dnskeys, id)], apex);
  return {
    ttl: answer.ttl,
    hasKey: (key) => has(answer.dnskey, own(key).dnskey),
    hasCds: (key) => (isSilent ? undefined : has(answer.cds, own(key).cds) || has(answer.cdnskey, own(key).cdnskey)),
  };
}

/** Says in words how many servers answered, and which of our published keys they lack. */
function textOf(asked: number, known: readonly SignerKeys[], { keys, dnskeys }: StoredSigning): string {
  const answered = `${known.length} of ${counted(asked, 'server')} of the other signers answered`;
  if (known.length === 0) return answered;
  const lacking = keys.keys.filter(
    ({ id, records }) =>
      (records.dnskey.state === 'rumoured' || records.dnskey.state === 'omnipresent') &&
      !known.every(({ dnskey }) => dnskey.some((rdata) => Buffer.compare(rdata, dnskeyOf(dnskeys, id)) === 0)),
  );
  if (lacking.length === 0) return `${answered}, with the DNSKEY records of this server`;
  return `${answered}; not all have the DNSKEY record of ${lacking.map(({ role, tag }) => `${role.toUpperCase()} ${tag}`).join(', ')}`;
}

/** Seconds since 1970: when the other signers are to be looked at next; undefined: there are none. */
export function nextSignersLook(
  { keys }: StoredSigning,
  policy: DnssecPolicy | undefined,
  look: SignersLook | undefined,
): number | undefined {
  if (policy === undefined || policy.signers.length === 0 || keys.isFrozen || keys.keys.length === 0) return undefined;
  if (look === undefined) return 0;
  const { rollover } = policy;
  const waits = keys.keys.flatMap((key) =>
    (['dnskey', 'ds'] as const)
      .filter((record) => {
        const { state, since } = key.records[record];
        const isMoving = (state === 'rumoured' || state === 'unretentive') && since !== undefined;
        return isMoving && signersWait(key, record, rollover) !== undefined;
      })
      .map((record) => ({ key, record })),
  );
  if (waits.length === 0) return look.at + MAX_INTERVAL;
  const interval = Math.min(MAX_INTERVAL, Math.max(MIN_INTERVAL, Math.floor(rollover.keyTtl / 2)));
  const next = look.at + Math.min(MAX_INTERVAL, interval * 2 ** Math.min(look.silent, 20));
  if (look.silent > 0) return next;
  // A state moves only by a look that comes after its time is over.
  const ends = waits.flatMap(({ key, record }) => endOf(key, record, keys, rollover) ?? []);
  return Math.min(next, ...ends.filter((end) => end > look.at));
}
