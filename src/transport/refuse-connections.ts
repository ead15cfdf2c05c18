/**
 * Closing a TCP socket that listens: close(2) resets every connection in its queue or still being established, together with a query
 * that its client may have sent. So a filter first drops SYN segments, as if the network lost them, and the connections that have
 * begun are accepted. Clients whose SYN was dropped try again after a second, and are refused.
 *
 * Accepted connections inherit the filter, which does nothing to them: they get no SYN any more.
 */
import { libc } from './libc.js';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** Classic BPF (linux/filter.h). Each instruction has its code, how many to skip when it is true and when it is false, and its operand. */
const PROGRAM: readonly (readonly [code: number, yes: number, no: number, operand: number])[] = [
  // Load the octet with the flags of the TCP header (RFC 9293 §3.1).
  [0x30, 0, 0, 13],
  // Is SYN among them?
  [0x45, 0, 1, 0x02],
  // If so, keep nothing of the segment,
  [0x06, 0, 0, 0],
  // otherwise all of it.
  [0x06, 0, 0, 0xffff_ffff],
];
const INSTRUCTION = 8;
/** struct sock_fprog: the number of instructions, and at 8 their address. */
const PROGRAM_HEADER = 16;

/**
 * Lets no new connection to the socket begin; returns whether that worked. Not for sockets that other processes have too: it would
 * close theirs as well.
 */
export function refuseConnections(fd: number): boolean {
  const system = libc();
  if (typeof system === 'string' || fd < 0) return false;
  const octets = Buffer.from(new SharedArrayBuffer(PROGRAM.length * INSTRUCTION));
  PROGRAM.forEach(([code, yes, no, operand], i) => {
    const at = i * INSTRUCTION;
    octets.writeUInt16LE(code, at);
    octets[at + 2] = yes;
    octets[at + 3] = no;
    octets.writeUInt32LE(operand, at + 4);
  });
  const header = Buffer.alloc(PROGRAM_HEADER);
  header.writeUInt16LE(PROGRAM.length);
  header.writeBigUInt64LE(BigInt(system.address(octets, header)), 8);
  return system.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, header, header.length) === 0;
}
