/**
 * Probes a server: which transports answer, which offers it makes inside TLS, which first queries it upgrades, whether its certificate is
 * the one that the zone publishes, and whether its answers are the same over all transports (RFC 9539 §3). Made for operators:
 * it asks in cleartext too, and offers TLS 1.1 once.
 *
 * A probe takes some 80 questions and 15 connections. Not here: DNSSEC validation but of signals, DNS over QUIC, transfers.
 */
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { Type } from '../../protocol/iana.js';
import { type CapabilityCache, capabilityCache } from '../capabilities/capabilities.js';
import { type ClientClock, systemClock, validateClock } from '../client-clock.js';
import { within } from '../deadline.js';
import { locate, type StreamTransport } from '../session/connect.js';
import { DUMMY_QUERY } from '../session/starttls.js';
import type { TlsOptions } from '../session/tls-connection.js';
import { checkVerification, type Verification, validateVerification } from '../trust/certificate.js';
import { type TrustAnchor, trustAnchors } from '../trust/dnssec.js';
import { hostName, hostNameOf } from '../trust/host-name.js';
import { milliseconds, objectOf, someText, port as validatePort, whenever } from '../validation.js';
import type { Query } from '../wire/message.js';
import { textToName } from '../wire/names.js';
import { compareAnswers } from './answers.js';
import { remember } from './capability-probe.js';
import { type Channel, type Reach, type Reached, reachStream, reachUdp, type StreamChannel } from './channel.js';
import { credentialsReport, nameserversOf } from './credentials.js';
import { ednsReport } from './edns-probe.js';
import { attempted, open, type ProbeContext, timeOfDay } from './probe-context.js';
import type { EncryptedReport, ProbeReport, TransportReport } from './probe-report.js';
import { farewell, idle, keepaliveIn, paddingIn, pipeline, resumedBy } from './session-probe.js';
import { signalsReport, validator } from './signal-probe.js';
import { modeOf, reachStarttls } from './starttls-probe.js';
import { tlsDetails } from './tls-probe.js';
import { judgement } from './verdict.js';

export interface ProbeOptions {
  /** An address; or a host name, whose first address from the system is probed. */
  readonly server: string;
  /** Of UDP, TCP and STARTTLS. Default 53. */
  readonly port?: number | undefined;
  /** Default 853. */
  readonly tlsPort?: number | undefined;
  /** A zone of the server. Default: the root is asked for, and most servers will refuse. */
  readonly zone?: string | undefined;
  /** The server's name for SNI and TLSA. Default: `server` if that is a name, otherwise the name in the zone. */
  readonly name?: string | undefined;
  /** Credentials that the certificate must meet, in addition to its TLSA records. */
  readonly verification?: Verification | undefined;
  /**
   * DS or DNSKEY records of the zones that the server's names are in, a line each: TLSA and SVCB records are verified from there. Keys come
   * from the server itself; a trust anchor of a zone above is of no use.
   */
  readonly trustAnchors?: string | undefined;
  /** Milliseconds of each step, from 1 to 86,400,000. Default 2000. */
  readonly stepMs?: number | undefined;
  /** Milliseconds that idle sessions are watched, from 0 to 86,400,000. Default 3000. */
  readonly idleMs?: number | undefined;
  /** Milliseconds after which no step begins, from 1 to 86,400,000. Default 9000. Closing takes at most a second more. */
  readonly totalMs?: number | undefined;
  /** The cache that notes which encrypted transports work and which fail. */
  readonly capabilities?: CapabilityCache | undefined;
  readonly clock?: ClientClock | undefined;
}

const STEP = 2000;
/** More than 2 s: a common idle time, of dnsdist for one. */
const IDLE = 3000;
const TOTAL = 9000;
/** RFC 9539 §4.3, "timeout". */
const ESTABLISH = 4000;

const validateOptions = objectOf<ProbeOptions>(
  {
    server: someText,
    port: validatePort,
    tlsPort: validatePort,
    zone: someText,
    name: someText,
    verification: validateVerification,
    trustAnchors: someText,
    stepMs: milliseconds,
    idleMs: whenever,
    totalMs: milliseconds,
    capabilities: capabilityCache,
    clock: validateClock,
  },
  ['server'],
);

/** Probes one server. Rejects with CLIENT_INPUT, or with CLIENT_UNREACHABLE when its host name has no address. */
export async function probe(options: ProbeOptions): Promise<ProbeReport> {
  validateOptions(options, '');
  const { clock = systemClock, port = 53, tlsPort = 853, zone, verification } = options;
  if (verification !== undefined) checkVerification(verification);
  // Validated before anything is sent: a wrong zone is no server's fault.
  if (zone !== undefined) textToName(zone);
  const anchors = options.trustAnchors === undefined ? [] : trustAnchors(options.trustAnchors);
  const name = nameOf(options);
  const began = clock.elapsed();
  const controller = new AbortController();
  const { signal } = controller;
  // Everything that waits listens to this signal.
  setMaxListeners(0, signal);
  const totalMs = options.totalMs ?? TOTAL;
  const stop = clock.after(totalMs, () => controller.abort());
  try {
    const deadline = { clock, at: clock.elapsed() + totalMs, signal: undefined };
    const located = locate({ address: options.server, port }, 'udp');
    const { address } = (await within(located, deadline, options.server, 'connect')).server;
    // The second call only validates the port.
    await locate({ address, port: tlsPort }, 'tls');
    const context: ProbeContext = {
      address,
      port,
      tlsPort,
      name,
      stepMs: options.stepMs ?? STEP,
      establishMs: Math.min(ESTABLISH, 2 * (options.stepMs ?? STEP)),
      idleMs: options.idleMs ?? IDLE,
      signal,
      clock,
      question: { name: zone ?? '.', type: Type.SOA },
    };
    const found = await lookedAt(context, zone, verification, anchors);
    const facts = { given: options.server, address, port, tlsPort, zone, ...found, cut: signal.aborted };
    if (options.capabilities !== undefined) remember(facts, options.capabilities);
    return {
      ...facts,
      ...judgement(facts, verification !== undefined, clock.now()),
      began: timeOfDay(clock, began),
      ended: timeOfDay(clock, clock.elapsed()),
      milliseconds: clock.elapsed() - began,
    };
  } finally {
    stop();
  }
}

/** The server's name, if the caller knows one. Throws CLIENT_INPUT. */
function nameOf({ server, name }: ProbeOptions): string | undefined {
  if (name !== undefined) return hostName(name, 'name');
  return isIP(server) === 0 ? hostName(server, 'server') : undefined;
}

type Found = Pick<ProbeReport, 'udp' | 'tcp' | 'starttls' | 'tls' | 'edns' | 'credentials' | 'signals' | 'answers'>;

/** Tries the transports first, then finds out the server's name, then everything else at once. */
async function lookedAt(
  context: ProbeContext,
  zone: string | undefined,
  verification: Verification | undefined,
  anchors: readonly TrustAnchor[],
): Promise<Found> {
  const [udp, tcp, tlsAtFirst, upgrades] = await Promise.all([
    reachUdp(context),
    reachStream(context, 'tcp'),
    reachStream(context, 'tls'),
    reachStarttls(context),
  ]);
  const [asking] = channelsOf([udp, tcp, tlsAtFirst, upgrades.reach]);
  const servers = asking && (await nameserversOf(zone, context.address, asking));
  const [mine, second] = servers?.mine ?? [];
  const name = context.name ?? (mine === undefined || second !== undefined ? undefined : hostNameOf(mine));
  const named: ProbeContext = { ...context, name };
  const first = upgrades.dummy.upgraded ? DUMMY_QUERY : { ...context.question, edns: {} };
  // The certificate may depend on the SNI.
  const [tls, starttls] = await Promise.all(
    name === context.name
      ? [tlsAtFirst, upgrades.reach]
      : [reachedAgain(named, tlsAtFirst, 'tls'), reachedAgain(named, upgrades.reach, 'starttls', first)],
  );
  const channels = channelsOf([udp, tcp, tls, starttls]);
  const encrypted = 'failure' in tls ? ('failure' in starttls ? undefined : 'starttls') : 'tls';
  const handshake = async (transport: 'starttls' | 'tls', given: TlsOptions): Promise<void> => {
    const opened = await open(named, transport, { tls: given, upgrade: { first } });
    opened.session.destroy();
  };
  const names = context.name === undefined ? (mine ? servers?.mine : servers?.all) : [`${context.name}.`];
  const validate = validator(named, anchors, channels[0]);
  const compared = compareAnswers(channels, zone, (servers?.mine ?? []).slice(0, 1));
  // Idle sessions are watched after the last question over them.
  const streams = compared.then(() =>
    Promise.all([streamReport(named, tcp), streamReport(named, tls), streamReport(named, starttls)]),
  );
  const [answers, [tcpReport, tlsFacts, starttlsFacts], edns, details, who, signals] = await Promise.all([
    compared,
    streams,
    'failure' in udp ? undefined : ednsReport(named),
    'failure' in tls ? undefined : tlsDetails(named),
    credentialsReport(
      named,
      names ?? [],
      channels[0],
      encrypted && ((given) => handshake(encrypted, given)),
      verification,
      validate,
    ),
    signalsReport(named, names ?? [], channels[0], !('failure' in tls), validate),
  ]);
  const mode = modeOf(upgrades.dummy, upgrades.query, tcpReport.works);
  return {
    udp: reachReport(udp),
    tcp: tcpReport,
    starttls: { ...starttlsFacts, mode, dummy: upgrades.dummy, query: upgrades.query },
    tls: { ...tlsFacts, ...details },
    edns,
    credentials: who,
    signals,
    answers,
  };
}

/** Reaches again a transport that was reached before, with another name. */
async function reachedAgain(
  context: ProbeContext,
  before: Reach<StreamChannel>,
  transport: StreamTransport,
  first?: Query,
): Promise<Reach<StreamChannel>> {
  if ('failure' in before) return before;
  before.channel.destroy();
  return reachStream(context, transport, first);
}

function channelsOf(reached: readonly (Reach<Channel> | Reach<StreamChannel>)[]): Channel[] {
  return reached.flatMap((one) => ('failure' in one ? [] : [one.channel]));
}

function reachReport(reach: Reach<Channel>): TransportReport {
  const { began } = reach;
  return 'failure' in reach
    ? { works: false, failure: reach.failure, began }
    : { works: true, began, times: reach.times };
}

/** Asks several questions at once, watches the idle session, closes it, and resumes it by one more session. */
async function streamReport(context: ProbeContext, reach: Reach<StreamChannel>): Promise<EncryptedReport> {
  if ('failure' in reach) return reachReport(reach);
  const { channel } = reach;
  const { signal } = context;
  const basic = { ...reachReport(reach), ...tlsFacts(reach) };
  try {
    const another = await attempted(channel.session());
    if ('failure' in another) return basic;
    const opened = another.value;
    const burst = await pipeline(context, opened.session);
    const replies = [...channel.replies, ...burst.replies];
    const keepalive = keepaliveIn(replies);
    const heard = { ...basic, ...(opened.tls && { padding: paddingIn(replies) }), keepalive };
    if (signal.aborted) return heard;
    const watched = await idle(context, opened.session);
    const ending = await farewell(opened.session);
    const resumed = opened.tls && (await resumedBy(opened, (ticket) => channel.session(ticket)));
    return { ...heard, pipelining: burst.report, idle: watched, farewell: ending, ...(!signal.aborted && { resumed }) };
  } finally {
    channel.destroy();
  }
}

function tlsFacts(reach: Reached<StreamChannel>): Partial<EncryptedReport> {
  const info = reach.open?.tls;
  if (info === undefined) return {};
  const { version, cipher, alpn, certificate } = info;
  return { version, cipher, alpn, certificate };
}
