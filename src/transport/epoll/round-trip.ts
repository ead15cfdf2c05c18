/** The round trip of a TCP connection as the kernel has measured it (TCP_INFO of tcp(7)). */
import type { Session } from '../../session/session.js';
import type { Libc } from '../libc.js';
import type { LoopParts } from './loop-parts.js';

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/**
 * Of struct tcp_info of <linux/tcp.h>: where tcpi_rtt stands, and octets up to its end. The kernel fills in as much as there is room for.
 */
const RTT_AT = 68;
const INFO_LENGTH = RTT_AT + 4;

/** 1 connection in this many is measured when it is closed. */
const SAMPLE = 7;

const info = Buffer.alloc(INFO_LENGTH);
const room = Buffer.alloc(4);

/** Milliseconds; 0: it is not known. */
export function roundTripOf(system: Pick<Libc, 'getsockopt'>, fd: number): number {
  room.writeInt32LE(INFO_LENGTH);
  if (system.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, room) !== 0 || room.readInt32LE() < INFO_LENGTH) return 0;
  return info.readUInt32LE(RTT_AT) / 1000;
}

/** Counts the round trip of some of the connections that had an answer; their descriptors are still open. */
export function measureRoundTrip(parts: LoopParts, fd: number, session: Session | undefined): void {
  if (--parts.unmeasured > 0 || session === undefined || session.count.firstAnswer < 0) return;
  const roundTrip = roundTripOf(parts.system, fd);
  if (roundTrip === 0) return;
  parts.unmeasured = SAMPLE;
  parts.context.counts.roundTrip(session.count.path, roundTrip, session.count.firstAnswer, session.client);
}
