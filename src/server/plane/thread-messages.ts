/** Messages between the control thread and the threads that answer: plain data. */
import type { HandedReply } from '../../answer/hand-off/handed-reply.js';
import type { HandedRequest } from '../../answer/hand-off/handed-request.js';
import type { Catalog } from '../../image/catalog.js';
import type { DayMemory } from '../../observe/clients/day-clients.js';
import type { ThreadTap } from '../../observe/tap/tap.js';
import type { SessionsReport } from '../../session/session-report.js';
import type { PointerTable } from '../../tls/openssl/pointers.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { TransferReport } from '../../transfer/out/zone-desk.js';
import type { Endpoint } from '../../transport/transport.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import type { StreamPath } from './data-plane.js';
import type { ThreadSettings } from './thread-settings.js';

/** A socket that a thread serves. The control thread keeps it open. */
export interface ThreadSocket {
  readonly fd: number;
  readonly endpoint: Endpoint;
  /** TLS from the first octet on. */
  readonly secure: boolean;
  /** Other processes have it too. */
  readonly shared: boolean;
}

/** The data that a thread is started with. */
export interface ThreadData {
  /** For the system: `adotd-udp-0`. */
  readonly name: string;
  readonly settings: ThreadSettings;
  readonly catalog: Catalog;
  /** undefined: TLS is not served. */
  readonly tls: TlsSettings | undefined;
  readonly sockets: readonly ThreadSocket[];
  /** Sockets whose clients have to show a certificate, and the authorities of each; a socket without authorities is not served. */
  readonly transfers?: readonly ThreadSocket[] | undefined;
  readonly clientCas?: ClientCas | undefined;
  /** Shared: see transport/thread-words.ts. */
  readonly words: Int32Array;
  /** Shared: COUNTER_WORDS. */
  readonly counters: Float64Array;
  /** Shared: the memory in which the clients of a day are noted; undefined: they are not. */
  readonly day?: DayMemory | undefined;
  /** Shared: connections of this thread, for the limits on connections (ownShare). */
  readonly share: Int32Array;
  /** Shared: transfers of this thread, in the same way. */
  readonly transferShare: Int32Array;
  /** The way that streams run, in a stream worker. */
  readonly streams: StreamPath;
  /** Shared: descriptors that the thread itself opens (descriptorTable), so that they can be closed when it has died. */
  readonly owned: Int32Array;
  /** Shared: the thread's memory in OpenSSL, for the same purpose; undefined where node:tls is used, or no TLS is served. */
  readonly pointers?: PointerTable | undefined;
  /** Shared: the tap that records queries; undefined: they are not recorded. */
  readonly tap?: ThreadTap | undefined;
}

/** From the control thread. */
export type Order =
  | { readonly kind: 'publish'; readonly catalog: Catalog }
  | { readonly kind: 'tls'; readonly settings: TlsSettings }
  /** To stream workers. */
  | { readonly kind: 'client-cas'; readonly cas: ClientCas }
  | { readonly kind: 'settings'; readonly settings: ThreadSettings }
  /** To stream workers: report the sessions, and the `longest` that have been idle longest. The answer repeats `number`. */
  | { readonly kind: 'sessions'; readonly longest: number; readonly number: number }
  /** The reply to the handed request of this number; undefined: it gets no response. */
  | { readonly kind: 'reply'; readonly number: number; readonly reply: HandedReply | undefined }
  /** `drainTime`: milliseconds that sessions have to finish; undefined: as configured. */
  | { readonly kind: 'stop'; readonly drainTime?: number | undefined };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** From a thread. */
export type Report =
  | { readonly kind: 'ready' }
  /** No answer comes from a catalog older than this generation any more. */
  | { readonly kind: 'published'; readonly generation: number }
  | { readonly kind: 'sessions'; readonly report: SessionsReport; readonly number: number }
  /** A transfer to a secondary is over. */
  | { readonly kind: 'transfer'; readonly report: TransferReport }
  /** A request for others to answer; the reply repeats `number`. */
  | { readonly kind: 'request'; readonly number: number; readonly request: HandedRequest }
  /** It has something to do again, and nobody looks (rest.ts). */
  | { readonly kind: 'awake' }
  /** An order that may take long is done. */
  | { readonly kind: 'done' }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string };

/** A running thread; outside of tests made by spawner(). */
export interface ThreadHandle {
  post(order: Order): void;
  /** Ends it at once, even in the middle of its work. */
  terminate(): void;
}

/** Events of a running thread. */
export interface ThreadEvents {
  report(report: Report): void;
  /** It has ended, because of `error` if there is one. Called once. */
  exit(error?: Error): void;
}

export type Spawn = (data: ThreadData, events: ThreadEvents) => ThreadHandle;

/** Functions that start a worker of each kind. */
export interface WorkerSpawns {
  readonly udp: Spawn;
  readonly stream: Spawn;
}
