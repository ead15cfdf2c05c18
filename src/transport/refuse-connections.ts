/**
 * A TCP socket that listens, and is to be closed: close(2) resets every connection that is in its queue or still being
 * established, with the query that its client may have sent already. So no new ones are let begin first, and those that have are
 * accepted: a filter drops SYN segments, as if they were lost on the way. Their clients try again, after a second, and are refused.
 *
 * The filter is inherited by the connections that are accepted, to which it does nothing: they see no SYN any more.
 */
import { libc } from './libc.js';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** Classic BPF (linux/filter.h): of each instruction the code, how many to skip where it holds and does not, and its operand. */
const PROGRAM: readonly (readonly [code: number, yes: number, no: number, operand: number])[] = [
  // The octet of the TCP header that has the flags (RFC 9293 §3.1).
  [0x30, 0, 0, 13],
  // Is SYN among them?
  [0x45, 0, 1, 0x02],
  // Keep nothing of it,
  [0x06, 0, 0, 0],
  // or all.
  [0x06, 0, 0, 0xffff_ffff],
];
const INSTRUCTION = 8;
/** struct sock_fprog: the number of instructions, and at 8 their address. */
const PROGRAM_HEADER = 16;

/**
 * Lets no new connection to the socket of this descriptor begin; says whether that could be done. Not for sockets that other
 * processes have too: it would be done to theirs.
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
  header.writeBigUInt64LE(BigInt(system.address(octets)), 8);
  return system.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, header, header.length) === 0;
}
