/**
 * The signals of DNS over TLS that a server has for its names: SVCB records (RFC 9461), those that it gives to clients that ask by OOTS
 * (draft-johani-dnsop-transport-signaling-03), and whether records are verified by DNSSEC, from the caller's trust anchors.
 */
import { Type } from '../../protocol/iana.js';
import { anchorsFor, isVerified, type TrustAnchor, verifiedKeys } from '../trust/dnssec.js';
import type { ResourceRecord } from '../wire/message.js';
import { nameToText, sameName, textToName } from '../wire/names.js';
import type { Channel } from './channel.js';
import { attempted, EDNS, type ProbeContext } from './probe-context.js';
import type { BindingReport, SignalsReport } from './probe-report.js';

/** Names that are asked about; a limit, and more than zones have nameservers. */
const MAX_NAMES = 13;
/** The option OOTS, to which IANA has assigned no number: the default number of servers. */
const OOTS = 65_001;
const PORT = 853;

/** Says whether the records at a name are verified; undefined: there is no trust anchor for it. */
export type Validate = (name: string, type: number, answer: readonly ResourceRecord[]) => Promise<boolean | undefined>;

/** `channel` is asked for keys. Each zone's keys are asked for once. */
export function validator(
  context: ProbeContext,
  anchors: readonly TrustAnchor[],
  channel: Channel | undefined,
): Validate {
  const now = Math.floor(context.clock.now() / 1000);
  const keys = new Map<string, Promise<Uint8Array[]>>();
  const keysOf = async (own: readonly TrustAnchor[], zone: Uint8Array): Promise<Uint8Array[]> => {
    if (channel === undefined) return [];
    const asked = await attempted(
      channel.ask({ name: nameToText(zone), type: Type.DNSKEY, edns: { ...EDNS, dnssec: true } }),
    );
    return 'failure' in asked ? [] : verifiedKeys(own, asked.value.message.answers, now);
  };
  return async (name, type, answer) => {
    const owner = textToName(name);
    const own = anchorsFor(anchors, owner);
    const [anchor] = own;
    if (anchor === undefined) return undefined;
    const id = Buffer.from(anchor.zone).toString('hex');
    const known = keys.get(id) ?? keysOf(own, anchor.zone);
    keys.set(id, known);
    const rrset = answer.filter((record) => record.type === type && sameName(record.owner, owner));
    // Behind an alias: its target may be in another zone.
    if (rrset.length === 0) return undefined;
    return isVerified(rrset, answer, anchor.zone, await known, now);
  };
}

/** `names`: those that the server may have; `worksTls`: DNS over TLS has answered at the probed port. */
export async function signalsReport(
  context: ProbeContext,
  names: readonly string[],
  channel: Channel | undefined,
  worksTls: boolean,
  validate: Validate,
): Promise<SignalsReport> {
  if (channel === undefined) return { bindings: [], oots: undefined };
  const bindings = await Promise.all(
    names.slice(0, MAX_NAMES).map(async (name): Promise<BindingReport[]> => {
      const owner = name === '.' ? '_dns.' : `_dns.${name}`;
      const asked = await attempted(channel.ask({ name: owner, type: Type.SVCB, edns: { ...EDNS, dnssec: true } }));
      if ('failure' in asked) return [];
      const { answers } = asked.value.message;
      const records = answers.filter(({ type }) => type === Type.SVCB).map(({ data }) => data);
      if (records.length === 0) return [];
      const verdict = verdictOn(records, context.tlsPort, worksTls);
      return [{ owner, records, verdict, validated: await validate(owner, Type.SVCB, answers) }];
    }),
  );
  return { bindings: bindings.flat(), oots: await askOots(context, channel) };
}

/** Whether DNS over TLS is where the records say. */
function verdictOn(records: readonly string[], tlsPort: number, worksTls: boolean): BindingReport['verdict'] {
  const services = records.flatMap((text) => {
    const protocols = /\balpn="?([^" ]*)/.exec(text)?.[1]?.split(',') ?? [];
    return protocols.includes('dot') && !text.startsWith('0 ') ? Number(/\bport=(\d+)/.exec(text)?.[1] ?? PORT) : [];
  });
  if (services.length === 0) return 'unusable';
  if (!services.includes(tlsPort)) return 'unknown';
  return worksTls ? 'match' : 'mismatch';
}

/** The SVCB records that come with an answer when they are asked for. */
async function askOots({ question }: ProbeContext, channel: Channel): Promise<SignalsReport['oots']> {
  const options = [{ code: OOTS, data: new Uint8Array(0) }];
  const asked = await attempted(channel.ask({ ...question, edns: { ...EDNS, options } }));
  if ('failure' in asked) return undefined;
  const { additional } = asked.value.message;
  return additional.filter(({ type }) => type === Type.SVCB).map(({ name, data }) => `${name} ${data}`);
}
