/**
 * The client library, `adotd/client`: asks authoritative DNS servers over TLS, STARTTLS and cleartext. See docs/client.md.
 */
export {
  CAPABILITY_TIMES,
  type Capability,
  type CapabilityCache,
  type CapabilityCacheOptions,
  type CapabilityKey,
  type CapabilityTimes,
  createCapabilityCache,
  type EncryptedTransport,
} from './capabilities.js';
export type { CertificateInfo, Verification } from './certificate.js';
export { type Client, createClient, type ResolveOptions } from './client.js';
export type { Resolution } from './climb.js';
export { type ClientClock, systemClock } from './clock.js';
export { type Edns, EdnsFlag, type EdnsRequest, keepaliveOf, type Option } from './edns.js';
export { type Attempt, ClientError, ClientErrorCode, type Step } from './errors.js';
export type { TriedTransport } from './ladder.js';
export type { LaneLimits } from './lane.js';
export { HeaderFlag, type Message, type Question, type ResourceRecord } from './message.js';
export { classToText, rcodeToText, textToClass, textToType, typeToText } from './mnemonics.js';
export { messageToJson, messageToText, recordToText } from './print.js';
export { type ProbeOptions, probe } from './probe/probe.js';
export type {
  AnswersReport,
  CredentialsReport,
  EdnsReport,
  EncryptedReport,
  Failure,
  ProbeReport,
  QuestionReport,
  StarttlsMode,
  StarttlsReport,
  StreamReport,
  TlsaReport,
  TlsReport,
  TransportReport,
} from './probe/report.js';
export type { ClientOptions, Profile, Rung, Timeouts } from './settings.js';
export type { ClientServer } from './target.js';
export type { TlsInfo } from './tls.js';
