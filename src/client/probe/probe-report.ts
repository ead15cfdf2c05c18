/**
 * The report of a probe. Values that were not found out are undefined. Times are in milliseconds; times of day are in UTC, as
 * ISO 8601 writes them ("2026-11-30T17:24:15.000Z").
 */
import type { ClientErrorCode, Step } from '../errors.js';
import type { Ending } from '../session/client-session.js';
import type { Times, Transport } from '../session/connect.js';
import type { CertificateInfo } from '../trust/certificate.js';

/** Why a transport, a handshake or a query failed. */
export interface Failure {
  readonly code: ClientErrorCode;
  readonly step: Step | undefined;
  readonly message: string;
}

export interface TransportReport {
  /** Whether an answer came over it. */
  readonly works: boolean;
  readonly failure?: Failure | undefined;
  /** The time of day when it was first tried. */
  readonly began: string;
  /** Of the first exchange. */
  readonly times?: (Times & { readonly answer: number }) | undefined;
}

/** The outcome of queries that were sent at once, without waiting for answers in between. */
export interface PipelineReport {
  readonly asked: number;
  readonly answered: number;
  /** Whether an answer overtook another. If none did, one may do so another time. */
  readonly overtaking: boolean;
}

/** How a server closes; `silent`: it did not close in time. */
export type Closing = Ending | 'silent';

export interface IdleReport {
  /**
   * How long the session was idle: from the last message, in either direction, until the server closed it or the probe stopped
   * watching.
   */
  readonly waited: number;
  /** The times of day of that message, and of the end. */
  readonly since: string;
  readonly until: string;
  /** How the server closed it; undefined: it was still open. */
  readonly closed: Ending | undefined;
}

export interface StreamReport extends TransportReport {
  readonly pipelining?: PipelineReport | undefined;
  /** How long a session may be idle, by the last answer with a keepalive option (RFC 7828). */
  readonly keepalive?: number | undefined;
  readonly idle?: IdleReport | undefined;
  /** How the server closed after us; undefined if it closed first. */
  readonly farewell?: Closing | undefined;
}

export interface PaddingReport {
  /** How many answers to padded queries came. */
  readonly answers: number;
  /** How many of them were padded. */
  readonly padded: number;
  /** The different lengths of the padded answers, in octets. RFC 8467 §4.1 wants multiples of 468. */
  readonly lengths: readonly number[];
}

export interface EncryptedReport extends StreamReport {
  readonly version?: string | undefined;
  readonly cipher?: string | undefined;
  /** The protocol that the server chose of those offered ("dot"). */
  readonly alpn?: string | undefined;
  readonly certificate?: CertificateInfo | undefined;
  readonly padding?: PaddingReport | undefined;
  /** Whether a session was resumed by the ticket of the one before. */
  readonly resumed?: boolean | undefined;
}

export interface VersionReport {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly works: boolean;
  readonly resumed?: boolean | undefined;
  readonly failure?: Failure | undefined;
}

export interface TlsReport extends EncryptedReport {
  readonly versions?: readonly VersionReport[] | undefined;
  /** Whether TLS 1.0 or 1.1 is accepted, which RFC 8996 forbids. */
  readonly obsolete?: boolean | undefined;
  /** Whether clients that offer no ALPN are served. */
  readonly withoutAlpn?: boolean | undefined;
}

/** The outcome of one first query with TO set. */
export interface UpgradeAttempt {
  /** Whether TO was set in the answer; undefined: no answer came. */
  readonly offered: boolean | undefined;
  readonly rcode?: string | undefined;
  /** The text in the answer to the dummy query. It has no meaning (the draft, §2.1.4.2). */
  readonly text?: string | undefined;
  /** Whether the handshake succeeded and an answer came inside. */
  readonly upgraded: boolean;
  readonly failure?: Failure | undefined;
}

/**
 * `any`: every first query is upgraded; `dummy`: only STARTTLS/CH/TXT; `query`: only other queries; `off`: no upgrade is offered;
 * `blocked`: it is offered, but the handshake fails; `dropped`: first queries with TO bring no answer, those without do (the draft,
 * §2.2); `unknown`: it was not found out, as TCP does not answer, or for the failures of `dummy` and `query`.
 */
export type StarttlsMode = 'any' | 'dummy' | 'query' | 'off' | 'blocked' | 'dropped' | 'unknown';

export interface StarttlsReport extends EncryptedReport {
  readonly mode: StarttlsMode;
  readonly dummy?: UpgradeAttempt | undefined;
  readonly query?: UpgradeAttempt | undefined;
}

export interface EdnsReport {
  /** Whether the answer to a query with an OPT record has one. */
  readonly supported?: boolean | undefined;
  /** The UDP payload that the server accepts by its OPT record, in octets. */
  readonly size?: number | undefined;
  /** RCODE for version 1; BADVERS is right (RFC 6891 §6.1.3). */
  readonly versionOne?: string | undefined;
  /** Whether an unknown option and an unknown flag changed nothing (RFC 6891 §6.1.2, §6.1.4). */
  readonly ignoresUnknown?: boolean | undefined;
  /** Whether a query without OPT is answered without OPT (RFC 6891 §7). */
  readonly absentWithout?: boolean | undefined;
  /** The length of an answer with 4096 octets offered, and whether it was truncated. */
  readonly longest?: { readonly octets: number; readonly truncated: boolean } | undefined;
  /** Whether an answer keeps to 512 octets if no more are offered. */
  readonly keepsTo512?: boolean | undefined;
  /** `given`: the server sent a cookie; `taken`: it also accepted that cookie when it came back (RFC 7873). */
  readonly cookie?: 'none' | 'given' | 'taken' | undefined;
  /** Name of the server's instance (RFC 5001). */
  readonly nsid?: string | undefined;
  /** Whether TO is set in an answer to a query with TO. Over UDP it starts nothing; some servers mean CO (RFC 9824). */
  readonly tlsOk?: boolean | undefined;
}

/** One question, over every transport that works. */
export interface QuestionReport {
  readonly name: string;
  readonly type: string;
  /** The RCODE over the first of `compared`. */
  readonly rcode: string | undefined;
  readonly authoritative: boolean;
  /** The transports that were compared. Truncated answers cannot be compared. */
  readonly compared: readonly Transport[];
  readonly truncated: readonly Transport[];
  /** How answers differed from that of the first of `compared`, twice in succession. */
  readonly differences: readonly { readonly transport: Transport; readonly what: string }[];
}

export interface AnswersReport {
  /** Whether at least two transports were compared, without a difference (RFC 9539 §3). */
  readonly equal: boolean;
  /** Whether the SOA of the zone came; undefined if no zone was given or no answer came. */
  readonly served: boolean | undefined;
  readonly questions: readonly QuestionReport[];
}

/** TLSA records of one name that the server may have, from the server itself. */
export interface TlsaReport {
  readonly owner: string;
  readonly records: readonly string[];
  /** `unusable`: no record is of a usage that clients accept (3); `unknown`: the handshake failed. */
  readonly verdict: 'match' | 'mismatch' | 'unusable' | 'unknown';
  /** Whether DNSSEC verifies them; undefined: no trust anchor was given for their zone. */
  readonly validated: boolean | undefined;
}

/** SVCB records of one name that the server may have (RFC 9461), from the server itself. */
export interface BindingReport {
  readonly owner: string;
  readonly records: readonly string[];
  /**
   * `match`: DNS over TLS answers at the port that they name; `mismatch`: it does not; `unusable`: no record is about DNS over TLS;
   * `unknown`: another port was probed.
   */
  readonly verdict: 'match' | 'mismatch' | 'unusable' | 'unknown';
  readonly validated: boolean | undefined;
}

export interface SignalsReport {
  readonly bindings: readonly BindingReport[];
  /** SVCB records that came with an answer, since they were asked for by OOTS: owner and RDATA. */
  readonly oots: readonly string[] | undefined;
}

export interface CredentialsReport {
  /** The name sent as SNI. */
  readonly name: string | undefined;
  readonly tlsa: readonly TlsaReport[];
  /** Whether the certificate meets the caller's pins or authority; undefined if none was given. */
  readonly accepted: boolean | undefined;
  readonly objection: string | undefined;
}

export interface ProbeReport {
  /** The server as the caller named it. */
  readonly given: string;
  readonly address: string;
  /** Port of UDP, TCP and STARTTLS. */
  readonly port: number;
  readonly tlsPort: number;
  readonly zone: string | undefined;
  readonly udp: TransportReport;
  readonly tcp: StreamReport;
  readonly starttls: StarttlsReport;
  readonly tls: TlsReport;
  readonly edns: EdnsReport | undefined;
  readonly credentials: CredentialsReport;
  readonly signals: SignalsReport;
  readonly answers: AnswersReport;
  /** The times of day when the probe began and ended. */
  readonly began: string;
  readonly ended: string;
  /** Whether the time was over before the probe was complete. */
  readonly cut: boolean;
  readonly milliseconds: number;
  /** Whether there are no problems: an encrypted transport, UDP and TCP work, credentials fit, and answers are equal. */
  readonly ok: boolean;
  /** Why `ok` is false; each is a sentence. */
  readonly problems: readonly string[];
  /** Further sentences for operators. */
  readonly notes: readonly string[];
}
