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
} from './capabilities/capabilities.js';
export { type Client, createClient, type ResolveOptions } from './client.js';
export { type ClientClock, systemClock } from './client-clock.js';
export type {
  ClientOptions,
  PoolLimits,
  PoolLimits as LaneLimits,
  Profile,
  Timeouts,
  TransportChoice,
  TransportChoice as Rung,
} from './client-settings.js';
export { type Attempt, ClientError, ClientErrorCode, type Step } from './errors.js';
export { messageToJson, messageToText, recordToText } from './exchange-text.js';
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
} from './probe/probe-report.js';
export type { TlsInfo } from './session/tls-connection.js';
export { type TransferOptions, transferZone, type ZoneTransfer } from './session/zone-transfer.js';
export type { Resolution } from './transports/resolution.js';
export type { ClientServer } from './transports/target.js';
export type { TriedTransport } from './transports/transport-plan.js';
export type { CertificateInfo, Verification } from './trust/certificate.js';
export {
  type RecordToAdd,
  type RecordToDelete,
  type UpdateChange,
  type UpdatePrerequisite,
  type UpdateZoneOptions,
  updateZone,
  type ZoneUpdate,
} from './update/update-zone.js';
export { type Edns, EdnsFlag, type EdnsRequest, keepaliveOf, type Option } from './wire/edns.js';
export { HeaderFlag, type Message, type Question, type ResourceRecord } from './wire/message.js';
export { classToText, rcodeToText, textToClass, textToType, typeToText } from './wire/mnemonics.js';
