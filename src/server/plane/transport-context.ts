/** The objects that all transports of a thread share: one responder and one session manager. */
import { createFacts, type Outcome } from '../../answer/facts.js';
import { HandOff, NO_HAND_OFF } from '../../answer/hand-off/hand-off.js';
import type { RequestHandler } from '../../answer/hand-off/handed-request.js';
import { limitedResponder } from '../../answer/rate-limit.js';
import { createResponder, type Responder } from '../../answer/respond.js';
import type { Catalog } from '../../image/catalog.js';
import type { DayMemory } from '../../observe/clients/day-clients.js';
import { AnswerComparison } from '../../observe/counters/answer-comparison.js';
import type { Counters } from '../../observe/counters/counters.js';
import { type Look, timedResponder } from '../../observe/counters/timed-responder.js';
import type { Log } from '../../observe/log.js';
import type { ThreadTap } from '../../observe/tap/tap.js';
import type { Clock } from '../../session/clock.js';
import { ConnectionLimits } from '../../session/limits.js';
import { SessionManager } from '../../session/manager.js';
import type { TransferReport, ZoneDesk } from '../../transfer/out/zone-desk.js';
import type {
  AnswerContext,
  Interception,
  StreamContext,
  TlsOffer,
  TransportContext,
  UdpContext,
} from '../../transport/transport.js';
import { RefusedRequests } from '../refused-requests.js';
import { catchingResponder } from './catching-responder.js';
import { recordingResponder } from './recording-responder.js';
import type { RateLimit, ThreadSettings } from './thread-settings.js';
import { transferDesk } from './transfer-settings.js';

/** The services that a thread is given besides its settings. */
export interface ThreadServices {
  readonly counters: Counters;
  /** The memory in which `counters` notes the clients of a day, where one thread does everything; undefined: they are not noted. */
  readonly days?: readonly DayMemory[];
  readonly clock: Clock;
  readonly log: Log;
  /** The tap that records queries; undefined: they are not recorded. */
  readonly tap?: ThreadTap | undefined;
  /** Memory for this thread's transfers (ownShare), in a thread that may die without the others. */
  readonly transferShare?: Int32Array | undefined;
  /** Told of each transfer to a secondary, when it is over. */
  readonly transferred?: ((report: TransferReport) => void) | undefined;
  /** Answers the requests that are handed off (ThreadSettings.answers says which); undefined: none are. */
  readonly handle?: RequestHandler | undefined;
  /** A fixture stands around the responder, and between it and the network; in an embedded data plane only. */
  readonly fixture?: Fixture | undefined;
}

/** The changes of a fixture. */
export interface Fixture extends Interception {
  /** Returns the responder to use in place of `responder`; it must have the same outcome. */
  responder(responder: Responder): Responder;
}

/** The context of UDP. */
export function udpContext(settings: ThreadSettings, services: ThreadServices): Configurable<UdpContext> {
  return withUdp(answerContext(settings, services), settings);
}

/**
 * The context of streams. `tls`: undefined where TLS is not served; `share`: connections of this thread (ownShare), in a thread that may
 * die without the others.
 */
export function streamContext(
  settings: ThreadSettings,
  catalog: Catalog,
  tls: TlsOffer | undefined,
  services: ThreadServices,
  share?: Int32Array,
): Configurable<StreamContext> {
  return withStreams(answerContext(settings, services), settings, catalog, tls, services, share);
}

/** The context of all transports, in a thread that serves them all. */
export function transportContext(
  settings: ThreadSettings,
  catalog: Catalog,
  tls: TlsOffer | undefined,
  services: ThreadServices,
): Configurable<TransportContext> {
  const answers = answerContext(settings, services);
  return { ...withUdp(answers, settings), ...withStreams(answers, settings, catalog, tls, services) };
}

/** A context that takes other settings between two messages. */
type Configurable<Context> = Context & { configure(settings: ThreadSettings): void };

function answerContext(settings: ThreadSettings, services: ThreadServices): Configurable<AnswerContext> {
  const { counters, clock, log, tap, handle, fixture } = services;
  const refused = new RefusedRequests(log, clock);
  const make = (next: ThreadSettings, outcome?: Outcome): Responder => {
    const responder = createResponder(next.answers, outcome, deskOf(next, services, refused));
    return timedResponder(underLimit(responder, next.rateLimit), counters, lookFor(next, responder.outcome, services));
  };
  const responder = catchingResponder(make(settings), log);
  // Without a tap the responder stays as it is, so that recording costs nothing where it is off.
  const recorded = tap ? recordingResponder(responder, tap) : responder;
  return {
    configure: (next) => responder.replace(make(next, responder.outcome)),
    responder: fixture?.responder(recorded) ?? recorded,
    intercept: fixture,
    clock,
    count: counters.count.bind(counters),
    event: counters.event.bind(counters),
    handOff: handle ? new HandOff(handle) : NO_HAND_OFF,
  };
}

/** Compares some answers with those over another transport; undefined where nothing is recorded. */
function lookFor(
  { answers }: ThreadSettings,
  outcome: Outcome,
  { counters, log, clock }: ThreadServices,
): Look | undefined {
  if (!counters.records) return undefined;
  const comparison = new AnswerComparison(createResponder(answers), counters, log, clock);
  return (inBuf, inOff, inLen, facts, outBuf, outOff, length) =>
    comparison.compare(
      { octets: inBuf, from: inOff, length: inLen },
      facts,
      { octets: outBuf, from: outOff, length },
      outcome,
    );
}

/** undefined where nobody may transfer anything. */
function deskOf(
  { transfers, sharedTransfers: shared }: ThreadSettings,
  { clock, transferShare: own, transferred = () => {} }: ThreadServices,
  refused: RefusedRequests,
): ZoneDesk | undefined {
  const milliseconds = (): number => clock.milliseconds();
  return transfers && transferDesk(transfers, { shared, own, milliseconds, ended: transferred, refused });
}

function withUdp(
  answers: Configurable<AnswerContext>,
  { udpPayload, udpUpgradeBit }: ThreadSettings,
): Configurable<UdpContext> {
  return { ...answers, udpPayload, udpUpgradeBit };
}

function withStreams(
  answers: Configurable<AnswerContext>,
  settings: ThreadSettings,
  catalog: Catalog,
  tls: TlsOffer | undefined,
  { counters, clock, log }: ThreadServices,
  share?: Int32Array,
): Configurable<StreamContext> {
  const { withholdFin, fastOpen, descriptors } = settings;
  const facts = createFacts(catalog);
  facts.padding = settings.padding;
  const sessions = new SessionManager({
    clock,
    settings: settings.sessions,
    limits: new ConnectionLimits(settings.connections, settings.shared, share),
    respond: answers.responder.respond,
    outcome: answers.responder.outcome,
    facts,
    count: answers.count,
    event: counters.sessionEvent.bind(counters),
    handOff: answers.handOff,
    mistake: closedByMistake(log),
    opened: counters.sessionOpened.bind(counters),
    closed: counters.sessionClosed.bind(counters),
    handshakeEnded(path, end, milliseconds, client) {
      counters.handshakeEnded(path, end, milliseconds, client);
      counters.followHandshake(end, milliseconds, client, clock.wallMilliseconds());
    },
    paused: counters.paused.bind(counters),
  });
  let shed = false;
  return {
    ...answers,
    configure(next) {
      answers.configure(next);
      facts.padding = next.padding;
      sessions.configure(next.sessions, next.connections);
    },
    sessions,
    counts: counters,
    tls,
    withholdFin,
    fastOpen,
    descriptors,
    outOfDescriptors() {
      sessions.shed();
      if (!shed) log.error({ descriptors }, 'no file descriptors are left: the sessions idle longest are closed');
      shed = true;
    },
    mistake: closedByMistake(log),
  };
}

function closedByMistake(log: Pick<Log, 'error'>): (error: unknown) => void {
  return (error) =>
    log.error({ err: error }, 'a connection was closed because of a mistake of ours; please report this');
}

/** The responder under the limit. Without a limit it is returned as it is, so that rate limiting costs nothing where it is off. */
export function underLimit(responder: Responder, limit: RateLimit | undefined): Responder {
  return limit ? limitedResponder(responder, limit.settings, limit.words) : responder;
}
