/**
 * The programmatic API: an authoritative nameserver inside of another program, on ports of its own choice. It runs in the calling
 * thread, or in one of its own; several servers may run at once. docs/fixture.md and docs/faults.md are its handbook.
 */

export { AdotdError, ErrorCode } from './errors.js';
export type {
  AnswerFault,
  AnswerMatch,
  ConnectionMatch,
  FaultName,
  FaultRule,
  FaultTiming,
  QueryTransport,
  RequestFault,
  StarttlsFault,
  StreamFault,
  TlsFault,
  TransferFault,
} from './fixture/faults/fault-rule.js';
export type { WaitOptions } from './fixture/queries/query-log.js';
export type { QueryFields, QueryMatch } from './fixture/queries/query-match.js';
export type { QueryEdns, QueryRecord, QueryTls } from './fixture/queries/query-record.js';
export type { Faults, RunningServer } from './fixture/running-server.js';
export { startServer } from './fixture/start.js';
export type { StartOptions } from './fixture/start-options.js';
export type { PacketRecord } from './fixture/zones/dns-packet-records.js';
export type { RecordInput, RemovedRecords } from './fixture/zones/fixture-zones.js';
export type { Signing } from './fixture/zones/signing.js';
export type { ZoneInput } from './fixture/zones/zone-input.js';
export type { Diagnostic } from './zone/diagnostics.js';
