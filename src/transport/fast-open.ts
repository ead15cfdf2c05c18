/**
 * TCP Fast Open on a listening socket (RFC 7413; the draft names it in section 3). Node has no option for it, so the C library
 * sets it. Where that cannot be called, connections open the ordinary way.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { libc } from './libc.js';

const IPPROTO_TCP = 6;
const TCP_FASTOPEN = 23;
/** The bit of net.ipv4.tcp_fastopen that lets servers take data with a SYN. */
const SERVER_BIT = 2;

/** Why Fast Open is not available here; undefined when it is. */
export function fastOpenObstacle(): string | undefined {
  const system = libc();
  if (typeof system === 'string') return system;
  try {
    const value = Number(readFileSync('/proc/sys/net/ipv4/tcp_fastopen', 'utf8'));
    if ((value & SERVER_BIT) === 0) return `net.ipv4.tcp_fastopen is ${value}: set it to 3`;
  } catch {
    return 'the system has no net.ipv4.tcp_fastopen';
  }
  return undefined;
}

/** Lets up to `pending` connections with data in their SYN wait at a TCP socket. Returns whether that worked. */
export function allowFastOpen(fd: number, pending: number): boolean {
  const system = libc();
  if (typeof system === 'string') return false;
  const value = Buffer.alloc(4);
  value.writeInt32LE(pending);
  return system.setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, value, value.length) === 0;
}

/** allowFastOpen() for a listening server. */
export function openFast(server: Server, pending: number): boolean {
  const handle: unknown = Reflect.get(server, '_handle');
  const fd = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && fd >= 0 && allowFastOpen(fd, pending);
}
