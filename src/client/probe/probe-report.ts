/** What a probe finds out. What was not looked at, or is not there, is undefined. Times are in milliseconds. */

import type { ClientErrorCode, Step } from '../errors.js';
import type { Ending } from '../session/client-session.js';
import type { Times, Transport } from '../session/connect.js';
import type { CertificateInfo } from '../trust/certificate.js';

/** Why something did not come about. */
export interface Failure {
  readonly code: ClientErrorCode;
  readonly step: Step | undefined;
  readonly message: string;
}

export interface TransportReport {
  /** Whether an answer came over it. */
  readonly works: boolean;
  readonly failure?: Failure | undefined;
  /** Of the first exchange. */
  readonly times?: (Times & { readonly answer: number }) | undefined;
}

/** What became of queries that were sent without waiting for answers between them. */
export interface PipelineReport {
  readonly asked: number;
  readonly answered: number;
  /** Whether an answer overtook another. That none did does not say that none ever would. */
  readonly overtaking: boolean;
}

/** How a server closes; `silent`: not within the time that there was. */
export type Closing = Ending | 'silent';

export interface IdleReport {
  /** How long nothing was sent: until the server closed, or as long as the probe waits. */
  readonly waited: number;
  /** undefined: the session was still open. */
  readonly closed: Ending | undefined;
}

export interface StreamReport extends TransportReport {
  readonly pipelining?: PipelineReport | undefined;
  /** How long a session may be idle as the server says (RFC 7828); undefined: it does not say. */
  readonly keepalive?: number | undefined;
  readonly idle?: IdleReport | undefined;
  /** How the server closed after we had; undefined where it closed first. */
  readonly farewell?: Closing | undefined;
}

export interface PaddingReport {
  /** Answers to padded queries, and those of them that were padded. */
  readonly answers: number;
  readonly padded: number;
  /** Lengths of the padded answers in octets, each once. RFC 8467 §4.1 wants multiples of 468. */
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

/** What became of one first query with TO set. */
export interface UpgradeAttempt {
  /** Whether TO was set in the answer; undefined: no answer came. */
  readonly offered: boolean | undefined;
  readonly rcode?: string | undefined;
  /** The text in the answer to the dummy query, which means nothing (the draft, §2.1.4.2). */
  readonly text?: string | undefined;
  /** Whether the handshake succeeded and an answer came inside. */
  readonly upgraded: boolean;
  readonly failure?: Failure | undefined;
}

/**
 * `any`: every first query is upgraded; `dummy`: only STARTTLS/CH/TXT; `query`: only others; `off`: none is offered;
 * `blocked`: offered, but the handshake does not come about (the draft, §2.2); `unknown`: no answer over TCP.
 */
export type StarttlsMode = 'any' | 'dummy' | 'query' | 'off' | 'blocked' | 'unknown';

export interface StarttlsReport extends EncryptedReport {
  readonly mode: StarttlsMode;
  readonly dummy?: UpgradeAttempt | undefined;
  readonly query?: UpgradeAttempt | undefined;
}

export interface EdnsReport {
  /** Whether the answer to a query with an OPT record has one. */
  readonly supported?: boolean | undefined;
  /** UDP payload that the server says it can take, in octets. */
  readonly size?: number | undefined;
  /** RCODE for version 1; BADVERS is right (RFC 6891 §6.1.3). */
  readonly versionOne?: string | undefined;
  /** Whether an unknown option and an unknown flag changed nothing (RFC 6891 §6.1.2, §6.1.4). */
  readonly ignoresUnknown?: boolean | undefined;
  /** Whether a query without OPT is answered without OPT (RFC 6891 §7). */
  readonly absentWithout?: boolean | undefined;
  /** The longest answer that was got with 4096 octets offered, and whether it was truncated. */
  readonly longest?: { readonly octets: number; readonly truncated: boolean } | undefined;
  /** Whether answers keep to 512 octets where that is offered. */
  readonly keepsTo512?: boolean | undefined;
  /** `none`; `given`: a server cookie came; `taken`: and was accepted when it came back (RFC 7873). */
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
  /** That of the transport the others were compared with. */
  readonly rcode: string | undefined;
  readonly authoritative: boolean;
  /** The transports that were compared; truncated answers cannot be. */
  readonly compared: readonly Transport[];
  readonly truncated: readonly Transport[];
  /** How an answer differs from that of the first of `compared`; twice in succession. */
  readonly differences: readonly { readonly transport: Transport; readonly what: string }[];
}

export interface AnswersReport {
  /** Whether there were two transports at least and no difference (RFC 9539 §3). */
  readonly equal: boolean;
  /** Whether the zone's SOA came; undefined: no zone was given, or no answer came. */
  readonly served: boolean | undefined;
  readonly questions: readonly QuestionReport[];
}

/** TLSA records of one name that the server may have, as the server itself answers them: not validated by DNSSEC. */
export interface TlsaReport {
  readonly owner: string;
  readonly records: readonly string[];
  /** `unusable`: none of a kind that clients go by (usage 3); `unknown`: no handshake came about. */
  readonly verdict: 'match' | 'mismatch' | 'unusable' | 'unknown';
}

export interface CredentialsReport {
  /** The name sent as SNI. */
  readonly name: string | undefined;
  readonly tlsa: readonly TlsaReport[];
  /** Whether the pins or the authority that the caller gave accept the certificate; undefined: none was given. */
  readonly accepted: boolean | undefined;
  readonly objection: string | undefined;
}

export interface ProbeReport {
  /** As it was given. */
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
  readonly answers: AnswersReport;
  /** Whether the time was over before everything had been looked at. */
  readonly cut: boolean;
  readonly milliseconds: number;
  /** An encrypted transport works, with the credentials that there are, and answers are equal. */
  readonly ok: boolean;
  /** Why not, and what else an operator should know; each a sentence. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}
