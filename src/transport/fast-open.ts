/**
 * TCP Fast Open on a listening socket (RFC 7413; the draft names it in section 3). Node has no option for it: the socket option
 * is set through koffi, which is optional; where it is missing, connections are opened as ever.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Server } from 'node:net';

const IPPROTO_TCP = 6;
const TCP_FASTOPEN = 23;
/** The bit of net.ipv4.tcp_fastopen that lets servers take data with a SYN. */
const SERVER_BIT = 2;

/** Why Fast Open is not to be had here; undefined when it is. */
export function fastOpenObstacle(): string | undefined {
  if (process.platform !== 'linux') return 'it is built for Linux only';
  if (setsockopt() === undefined) return 'the optional package koffi is not installed';
  try {
    const value = Number(readFileSync('/proc/sys/net/ipv4/tcp_fastopen', 'utf8'));
    if ((value & SERVER_BIT) === 0) return `net.ipv4.tcp_fastopen is ${value}: set it to 3`;
  } catch {
    return 'the system has no net.ipv4.tcp_fastopen';
  }
  return undefined;
}

/** Lets up to `pending` connections of `server` wait that have sent data with their SYN. Does nothing where it cannot. */
export function openFast(server: Server, pending: number): boolean {
  const handle: unknown = Reflect.get(server, '_handle');
  const fd = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  const call = setsockopt();
  if (typeof fd !== 'number' || fd < 0 || call === undefined) return false;
  const value = Buffer.alloc(4);
  value.writeInt32LE(pending);
  return call(fd, IPPROTO_TCP, TCP_FASTOPEN, value, value.length) === 0;
}

type SetSockOpt = (fd: number, level: number, option: number, value: Uint8Array, length: number) => number;

let found: SetSockOpt | undefined | null = null;

function setsockopt(): SetSockOpt | undefined {
  if (found !== null) return found;
  found = undefined;
  if (process.platform !== 'linux') return found;
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    found = koffi.load('libc.so.6').func('int setsockopt(int, int, int, void*, uint32_t)');
  } catch {
    // Not installed, or a libc of another name: the caller says so.
  }
  return found;
}
