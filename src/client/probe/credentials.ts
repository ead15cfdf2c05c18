/** The identity of a server: its name, from the zone, and the TLSA records of that name (RFC 6698, RFC 7671). */
import { SocketAddress } from 'node:net';
import { Type } from '../../protocol/iana.js';
import { ClientErrorCode } from '../errors.js';
import type { TlsOptions } from '../session/tls-connection.js';
import { checkVerification, type Verification } from '../trust/certificate.js';
import { hostNameOf } from '../trust/host-name.js';
import type { ResourceRecord } from '../wire/message.js';
import { sameName, textToName } from '../wire/names.js';
import type { Channel } from './channel.js';
import { attempted, EDNS, type ProbeContext } from './probe-context.js';
import type { CredentialsReport, TlsaReport } from './probe-report.js';
import type { Validate } from './signal-probe.js';

/** Nameservers whose addresses and TLSA records are asked for; a limit, and more than zones have. */
const MAX_NAMES = 13;
/** The port that TLSA records are published for, even if the server is probed on another (RFC 6698 §3, RFC 7858 §3.1). */
const PORT = 853;

interface Nameservers {
  /** All nameservers of the zone, as absolute names. */
  readonly all: readonly string[];
  /** The nameservers with the server's address; or the only one. */
  readonly mine: readonly string[];
}

/** Asks for the zone's nameservers and their addresses. */
export async function nameserversOf(zone: string | undefined, address: string, channel: Channel): Promise<Nameservers> {
  if (zone === undefined) return { all: [], mine: [] };
  const asked = await attempted(channel.ask({ name: zone, type: Type.NS, edns: EDNS }));
  if ('failure' in asked) return { all: [], mine: [] };
  const { answers, additional } = asked.value.message;
  const all = answers.filter(({ type }) => type === Type.NS).map(({ data }) => data);
  const family = address.includes(':') ? Type.AAAA : Type.A;
  const known = new Set(
    additional.filter((record) => isAddress(record, address)).map(({ name }) => name.toLowerCase()),
  );
  const mine = await Promise.all(
    all.slice(0, MAX_NAMES).map(async (name) => {
      if (known.has(name.toLowerCase())) return [name];
      const one = await attempted(channel.ask({ name, type: family, edns: EDNS }));
      return 'value' in one && one.value.message.answers.some((record) => isAddress(record, address)) ? [name] : [];
    }),
  );
  const found = mine.flat();
  return { all, mine: found.length === 0 && all.length === 1 ? all : found };
}

function isAddress({ type, data }: { type: number; data: string }, address: string): boolean {
  if (type !== Type.A && type !== Type.AAAA) return false;
  const family = type === Type.A ? 'ipv4' : 'ipv6';
  return (address.includes(':') ? 'ipv6' : 'ipv4') === family && canonical(data, family) === canonical(address, family);
}

const canonical = (address: string, family: 'ipv4' | 'ipv6'): string => new SocketAddress({ address, family }).address;

/** Owners of the TLSA records of a name: for the published port, and for the probed one if that is another. */
function ownersOf(name: string, tlsPort: number): string[] {
  const ports = tlsPort === PORT ? [PORT] : [tlsPort, PORT];
  return ports.map((port) => `_${port}._tcp.${name === '.' ? '' : name}`);
}

/** Makes one handshake and closes. Rejects with a ClientError. */
type Handshake = (tls: TlsOptions) => Promise<void>;

/**
 * Compares the certificate with the TLSA records and with the caller's credentials, by one handshake for each, as a client would
 * do. `names`: names that the server may have. `channel` is asked for their TLSA records. `handshake` is undefined if no encrypted
 * transport works.
 */
export async function credentialsReport(
  context: ProbeContext,
  names: readonly string[],
  channel: Channel | undefined,
  handshake: Handshake | undefined,
  verification: Verification | undefined,
  validate: Validate,
): Promise<CredentialsReport> {
  const owners = names
    .slice(0, MAX_NAMES)
    .flatMap((name) => ownersOf(name, context.tlsPort).map((owner) => ({ name, owner })));
  const tlsa = await Promise.all(
    owners.map(async ({ name, owner }): Promise<TlsaReport[]> => {
      const { records, answers } = channel === undefined ? NOTHING : await tlsaRecords(owner, channel);
      if (records.length === 0) return [];
      const validated = await validate(owner, Type.TLSA, answers);
      return [{ owner, records, verdict: await verdictOn(handshake, records, name), validated }];
    }),
  );
  const done = verification && handshake && (await attempted(handshake({ verification })));
  return {
    name: context.name,
    tlsa: tlsa.flat(),
    accepted: verification && done && 'value' in done,
    objection: done && 'failure' in done ? done.failure.message : undefined,
  };
}

async function verdictOn(
  handshake: Handshake | undefined,
  records: readonly string[],
  name: string,
): Promise<TlsaReport['verdict']> {
  if (handshake === undefined) return 'unknown';
  const verification = { kind: 'tlsa', records } as const;
  const judged = async (): Promise<void> => {
    checkVerification(verification);
    // The target of an NS record need not be a host name.
    const host = hostNameOf(name);
    await handshake({ verification, ...(host !== undefined && { name: host }) });
  };
  const done = await attempted(judged());
  if ('value' in done) return 'match';
  if (done.failure.code === ClientErrorCode.CERTIFICATE) return 'mismatch';
  return done.failure.code === ClientErrorCode.INPUT ? 'unusable' : 'unknown';
}

interface TlsaAnswer {
  readonly records: readonly string[];
  readonly answers: readonly ResourceRecord[];
}

const NOTHING: TlsaAnswer = { records: [], answers: [] };

async function tlsaRecords(owner: string, channel: Channel): Promise<TlsaAnswer> {
  const asked = await attempted(channel.ask({ name: owner, type: Type.TLSA, edns: { ...EDNS, dnssec: true } }));
  if ('failure' in asked) return NOTHING;
  const name = textToName(owner);
  // An alias may lead to the records (RFC 6698 §3). Then they have another owner.
  const { answers } = asked.value.message;
  const aliased = answers.some((record) => record.type === Type.CNAME && sameName(record.owner, name));
  const records = answers.filter((record) => record.type === Type.TLSA && (aliased || sameName(record.owner, name)));
  return { records: records.map(({ data }) => data), answers };
}
