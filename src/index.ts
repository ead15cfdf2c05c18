/**
 * The programmatic API: an authoritative nameserver inside of another program, on ports of its own choice. Everything runs
 * in the calling thread; several servers may run at once. docs/fixture.md and docs/faults.md are its handbook.
 */

export { AdotdError, ErrorCode } from './errors.js';
export type { PacketRecord } from './fixture/dns-packet-records.js';
export type {
  AnswerFault,
  AnswerMatch,
  ConnectionMatch,
  FaultName,
  FaultRule,
  FaultTiming,
  StarttlsFault,
  StreamFault,
  TlsFault,
} from './fixture/fault-rule.js';
export type { RecordInput, RemovedRecords } from './fixture/fixture-zones.js';
export type { WaitOptions } from './fixture/query-log.js';
export type { QueryFields, QueryMatch } from './fixture/query-match.js';
export type { QueryRecord, QueryTls } from './fixture/query-record.js';
export type { QueryTransport } from './fixture/query-transport.js';
export { type Faults, type RunningServer, type StartOptions, startServer } from './fixture/start.js';
export type { ZoneInput } from './fixture/zone-input.js';
export type { Diagnostic } from './zone/diagnostics.js';
