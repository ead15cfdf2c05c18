/**
 * Counts of sessions and their TLS handshakes, by path and by the family of the client's address. Some count each run of messages, the
 * others once a session. All figures read here are the sum of both families, unless one is given.
 */
import {
  Family,
  familyOf,
  HandshakeEnd,
  SessionEnd,
  type SessionEvent,
  SessionPath,
} from '../../session/session-end.js';
import * as L from './counter-layout.js';
import {
  HANDSHAKE_TIMES,
  type HistogramValue,
  observe,
  PAUSES,
  ROUND_TRIPS,
  readHistogram,
  SESSION_QUERIES,
  SESSION_TIMES,
} from './histogram-buckets.js';
import { groupIndex, suiteIndex } from './tls-suites.js';

export class SessionCounters {
  readonly words: Float64Array;

  constructor(words: Float64Array) {
    this.words = words;
  }

  /** Counts an event of a session. */
  sessionEvent(event: SessionEvent): void {
    this.words[L.SESSION_EVENTS_AT + event]!++;
  }

  /** Counts a session that has begun; on the paths STARTTLS and TLS, its handshake too. `client` here and below: 4 or 16 octets. */
  sessionOpened(path: SessionPath, client: Uint8Array): void {
    this.words[wordOf(path, familyOf(client), L.OPENED_AT)]!++;
  }

  /** Counts a session that was closed. If it goes on on another path, its time and its messages count there. */
  sessionClosed(path: SessionPath, end: SessionEnd, milliseconds: number, messages: number, client: Uint8Array): void {
    const family = familyOf(client);
    this.words[wordOf(path, family, L.ENDS_AT) + end]!++;
    if (end === SessionEnd.UPGRADED) return;
    observe(this.words, wordOf(path, family, L.SESSION_TIMES_AT), SESSION_TIMES, milliseconds / 1000);
    observe(this.words, wordOf(path, family, L.SESSION_QUERIES_AT), SESSION_QUERIES, messages);
  }

  /** Counts the time between messages of a session and those before. */
  paused(path: SessionPath, milliseconds: number, client: Uint8Array): void {
    observe(this.words, wordOf(path, familyOf(client), L.PAUSES_AT), PAUSES, milliseconds / 1000);
  }

  /** Counts a handshake that is over, and the time of one that is complete. */
  handshakeEnded(path: SessionPath, end: HandshakeEnd, milliseconds: number, client: Uint8Array): void {
    const family = familyOf(client);
    this.words[wordOf(path, family, L.HANDSHAKES_AT) + end]!++;
    if (end !== HandshakeEnd.FULL && end !== HandshakeEnd.RESUMED) return;
    observe(this.words, wordOf(path, family, L.HANDSHAKE_TIMES_AT), HANDSHAKE_TIMES, milliseconds / 1000);
  }

  /** Counts octets on the connections of a path, TLS included. */
  octets(path: SessionPath, received: number, sent: number, client: Uint8Array): void {
    const family = familyOf(client);
    this.words[wordOf(path, family, L.RECEIVED_AT)]! += received;
    this.words[wordOf(path, family, L.SENT_AT)]! += sent;
  }

  /** Counts the parameters that a complete handshake agreed on. */
  agreed(path: SessionPath, { version, cipher, group, isDot, isNamed }: Agreement, client: Uint8Array): void {
    const family = familyOf(client);
    this.words[wordOf(path, family, L.SUITES_AT) + suiteIndex(version, cipher)]!++;
    this.words[wordOf(path, family, L.GROUPS_AT) + groupIndex(group)]!++;
    if (isDot) this.words[wordOf(path, family, L.DOT_AT)]!++;
    if (isNamed) this.words[wordOf(path, family, L.NAMED_AT)]!++;
  }

  /** Counts the seconds of a turn of a connection: of some turns only. */
  worked(path: SessionPath, seconds: number, client: Uint8Array): void {
    const family = familyOf(client);
    this.words[wordOf(path, family, L.WORK_AT)]! += seconds;
    this.words[wordOf(path, family, L.TIMED_AT)]!++;
  }

  /** Counts the round trip of a session, and the time until its first answer, in milliseconds: of some sessions only. */
  roundTrip(path: SessionPath, roundTrip: number, firstAnswer: number, client: Uint8Array): void {
    const family = familyOf(client);
    observe(this.words, wordOf(path, family, L.ROUND_TRIPS_AT), ROUND_TRIPS, roundTrip / 1000);
    observe(this.words, wordOf(path, family, L.FIRST_ANSWERS_AT), HANDSHAKE_TIMES, firstAnswer / 1000);
  }

  /** Counts seconds in which OpenSSL computed handshakes. */
  handshakesTook(seconds: number): void {
    this.words[L.HANDSHAKE_WORK_AT]! += seconds;
  }

  /** The thread that counts here has died: its sessions and handshakes are over. */
  threadDied(): void {
    for (const path of Object.values(SessionPath)) {
      for (const family of Object.values(Family)) {
        this.words[wordOf(path, family, L.HANDSHAKES_AT) + HandshakeEnd.LOST]! += this.handshaking(path, family);
        this.words[wordOf(path, family, L.ENDS_AT) + SessionEnd.LOST]! += this.open(path, family);
      }
    }
  }

  sessionEvents(event: SessionEvent): number {
    return this.words[L.SESSION_EVENTS_AT + event]!;
  }

  /** Sessions that have begun on a path; those of STARTTLS and TLS with a handshake. */
  opened(path: SessionPath, family?: Family): number {
    return this.#sum(path, L.OPENED_AT, family);
  }

  /** Closed sessions, by path and reason. */
  ends(path: SessionPath, end: SessionEnd, family?: Family): number {
    return this.#sum(path, L.ENDS_AT + end, family);
  }

  /** Sessions of a path that are open. */
  open(path: SessionPath, family?: Family): number {
    const ended = Object.values(SessionEnd).reduce<number>((sum, end) => sum + this.ends(path, end, family), 0);
    return this.opened(path, family) - ended;
  }

  /** Seconds for which sessions were open that have ended on this path. */
  sessionTimes(path: SessionPath): HistogramValue {
    return this.#histogram(path, L.SESSION_TIMES_AT, SESSION_TIMES);
  }

  /** Messages of each of them. */
  sessionQueries(path: SessionPath): HistogramValue {
    return this.#histogram(path, L.SESSION_QUERIES_AT, SESSION_QUERIES);
  }

  /** Seconds between messages of a session, or runs of messages. */
  pauses(path: SessionPath): HistogramValue {
    return this.#histogram(path, L.PAUSES_AT, PAUSES);
  }

  /** Seconds of the round trips of a sample of sessions that had an answer. */
  roundTrips(path: SessionPath): HistogramValue {
    return this.#histogram(path, L.ROUND_TRIPS_AT, ROUND_TRIPS);
  }

  /** Seconds until the first answer of these sessions. */
  firstAnswers(path: SessionPath): HistogramValue {
    return this.#histogram(path, L.FIRST_ANSWERS_AT, HANDSHAKE_TIMES);
  }

  /** Octets of the connections of a path. */
  received(path: SessionPath, family?: Family): number {
    return this.#sum(path, L.RECEIVED_AT, family);
  }

  sent(path: SessionPath, family?: Family): number {
    return this.#sum(path, L.SENT_AT, family);
  }

  /** Handshakes that have ended in this way. */
  handshakes(path: SessionPath, end: HandshakeEnd, family?: Family): number {
    return this.#sum(path, L.HANDSHAKES_AT + end, family);
  }

  /** Handshakes under way. */
  handshaking(path: SessionPath, family?: Family): number {
    if (path === SessionPath.TCP) return 0;
    const ended = Object.values(HandshakeEnd).reduce<number>((sum, end) => sum + this.handshakes(path, end, family), 0);
    return this.opened(path, family) - ended;
  }

  /** Seconds that complete handshakes took. */
  handshakeTimes(path: SessionPath): HistogramValue {
    return this.#histogram(path, L.HANDSHAKE_TIMES_AT, HANDSHAKE_TIMES);
  }

  /** Complete handshakes by version and cipher: `index` of SUITES. */
  suites(path: SessionPath, index: number): number {
    return this.#sum(path, L.SUITES_AT + index);
  }

  /** Complete handshakes by group: `index` of GROUPS. */
  groups(path: SessionPath, index: number): number {
    return this.#sum(path, L.GROUPS_AT + index);
  }

  /** Complete handshakes with ALPN `dot`, and those whose client named the server. */
  dot(path: SessionPath): number {
    return this.#sum(path, L.DOT_AT);
  }

  named(path: SessionPath): number {
    return this.#sum(path, L.NAMED_AT);
  }

  /** Seconds of the turns of connections that were timed, and their number. */
  work(path: SessionPath): { readonly seconds: number; readonly turns: number } {
    return { seconds: this.#sum(path, L.WORK_AT), turns: this.#sum(path, L.TIMED_AT) };
  }

  /** Seconds in which OpenSSL computed handshakes. */
  get handshakeWork(): number {
    return this.words[L.HANDSHAKE_WORK_AT]!;
  }

  #sum(path: SessionPath, at: number, family?: Family): number {
    if (family !== undefined) return this.words[wordOf(path, family, at)]!;
    return this.words[wordOf(path, Family.IPV4, at)]! + this.words[wordOf(path, Family.IPV6, at)]!;
  }

  #histogram(path: SessionPath, at: number, bounds: readonly number[]): HistogramValue {
    const one = readHistogram(this.words, wordOf(path, Family.IPV4, at), bounds);
    const other = readHistogram(this.words, wordOf(path, Family.IPV6, at), bounds);
    return { bounds, counts: one.counts.map((count, i) => count + other.counts[i]!), sum: one.sum + other.sum };
  }
}

/** The parameters that a handshake agreed on, with the names of OpenSSL; those of groups are IANA's. */
interface Agreement {
  /** `TLSv1.3`, `TLS_AES_128_GCM_SHA256`. */
  readonly version: string;
  readonly cipher: string;
  /** `unknown` where nobody tells. */
  readonly group: string;
  /** ALPN: the protocol `dot` was chosen. */
  readonly isDot: boolean;
  /** SNI: the client told a name of the server. */
  readonly isNamed: boolean;
}

/** The word of a path of sessions and a family; `at`: its place in the block of each. */
function wordOf(path: SessionPath, family: Family, at: number): number {
  return L.PATHS_AT + (path * L.FAMILIES + family) * L.PATH_WORDS + at;
}
