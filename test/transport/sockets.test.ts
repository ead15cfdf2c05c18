import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Libc, libc } from '../../src/transport/libc.js';
import {
  type BoundSocket,
  bufferShortfall,
  closeSocket,
  describeSocket,
  duplicateSocket,
  keepFromChildren,
  openTcpSocket,
  openUdpSocket,
  prepareUdpSocket,
  startListening,
} from '../../src/transport/sockets.js';

const UDP = { reusePort: false, receiveBuffer: 65_536, sendBuffer: 131_072 };
const TCP = { reusePort: false, fastOpen: 0 };
const SHARED = { ...UDP, reusePort: true };

const SOL_SOCKET = 1;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

const opened: number[] = [];
afterEach(() => {
  for (const fd of opened.splice(0)) closeSocket(fd);
});

function keep(socket: BoundSocket): BoundSocket {
  opened.push(socket.fd);
  return socket;
}

const udp = (address: string, options = UDP, port = 0) => keep(openUdpSocket({ address, port }, options));
const tcp = (address: string, options = TCP, port = 0) => keep(openTcpSocket({ address, port }, options, 'tcp'));

function system(): Libc {
  const found = libc();
  if (typeof found === 'string') throw new Error(found);
  return found;
}

function rawSocket(family: number, type: number): number {
  const fd = system().socket(family, type, 0);
  opened.push(fd);
  return fd;
}

function option(fd: number, level: number, number: number): number {
  const value = Buffer.alloc(4);
  const length = Buffer.from([4, 0, 0, 0]);
  if (system().getsockopt(fd, level, number, value, length) !== 0) throw new Error(system().errno());
  return value.readInt32LE();
}

/** File status and descriptor flags, from the system's view of its own. */
function flags(fd: number): number {
  const octal = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  return Number.parseInt(octal ?? '', 8);
}

/** Options by their numbers in linux/in.h and linux/in6.h. */
const pathMtuIpv4 = (fd: number) => option(fd, IPPROTO_IP, 10);
const packetInfoIpv4 = (fd: number) => option(fd, IPPROTO_IP, 8);
const pathMtuIpv6 = (fd: number) => option(fd, IPPROTO_IPV6, 23);
const dontFragment = (fd: number) => option(fd, IPPROTO_IPV6, 62);
const packetInfoIpv6 = (fd: number) => option(fd, IPPROTO_IPV6, 49);
const ipv6Only = (fd: number) => option(fd, IPPROTO_IPV6, 26);
/** As asked for: the system doubles it. */
const receiveBuffer = (fd: number) => option(fd, SOL_SOCKET, 8) / 2;
const sendBuffer = (fd: number) => option(fd, SOL_SOCKET, 7) / 2;

describe('UDP sockets', () => {
  it.each(['127.0.0.1', '::1'])('are bound to %s, and to the port that they say', async (address) => {
    const { fd, endpoint, protocol } = udp(address);
    expect(protocol).toBe('udp');
    expect(endpoint.address).toBe(address);
    const client = createSocket(address === '::1' ? 'udp6' : 'udp4');
    client.send('query', endpoint.port, address);
    await once(client, 'listening');
    const server = createSocket(address === '::1' ? 'udp6' : 'udp4');
    const received = once(server, 'message');
    server.bind({ fd: duplicateSocket(fd) });
    expect(String((await received)[0])).toBe('query');
    server.close();
    client.close();
  });

  it('believe no path MTU, and send no fragments over IPv6', () => {
    expect(pathMtuIpv4(udp('127.0.0.1').fd)).toBe(5);
    const { fd } = udp('::1');
    expect([pathMtuIpv6(fd), dontFragment(fd), ipv6Only(fd)]).toEqual([5, 1, 1]);
  });

  it('tell the address that was asked only where it is not known', () => {
    expect(packetInfoIpv4(udp('127.0.0.1').fd)).toBe(0);
    expect(packetInfoIpv6(udp('::1').fd)).toBe(0);
    expect(packetInfoIpv4(udp('0.0.0.0').fd)).toBe(1);
    expect(packetInfoIpv6(udp('::').fd)).toBe(1);
  });

  it('block, and are not for programs that are started', () => {
    expect(flags(udp('127.0.0.1').fd) & (O_NONBLOCK | O_CLOEXEC)).toBe(O_CLOEXEC);
  });

  it('have the buffers that were asked for', () => {
    const { fd } = udp('127.0.0.1');
    expect([receiveBuffer(fd), sendBuffer(fd)]).toEqual([65_536, 131_072]);
    expect(bufferShortfall(fd, UDP)).toBeUndefined();
  });

  it('say which buffer is smaller than asked for, and what to do', () => {
    const { fd } = udp('127.0.0.1');
    expect(bufferShortfall(fd, { ...UDP, receiveBuffer: 1_000_000 })).toBe(
      'udp.receive_buffer is 65536 octets, not 1000000: set net.core.rmem_max to 1000000, or lower the key',
    );
    expect(bufferShortfall(fd, { ...UDP, receiveBuffer: 1_000_000, sendBuffer: 1_000_000 })).toMatch(
      /udp\.receive_buffer .*net\.core\.rmem_max.*; udp\.send_buffer .*net\.core\.wmem_max/,
    );
  });

  it('share an address only when all of them want to', () => {
    const { endpoint } = udp('127.0.0.1', SHARED);
    expect(udp('127.0.0.1', SHARED, endpoint.port).endpoint).toEqual(endpoint);
    expect(() => udp('127.0.0.1', UDP, endpoint.port)).toThrow(
      expect.objectContaining({
        code: 'ADOTD_LISTEN',
        message: expect.stringMatching(
          `^cannot listen on UDP 127.0.0.1:${endpoint.port}: another program uses this port \\(EADDRINUSE\\)`,
        ),
      }),
    );
  });

  it.each([
    ['192.0.2.1', 'UDP 192.0.2.1:5353: no network interface has the address 192.0.2.1 (EADDRNOTAVAIL)'],
    ['fe80::1%none', 'UDP [fe80::1%none]:5353: no network interface has the address fe80::1%none (EADDRNOTAVAIL)'],
  ])('cannot have the address %s of another host', (address, message) => {
    expect(() => udp(address, UDP, 5353)).toThrow(
      expect.objectContaining({ code: 'ADOTD_LISTEN', message: expect.stringContaining(message) }),
    );
  });

  it('leave no descriptor behind when they cannot be bound', () => {
    const { endpoint } = udp('127.0.0.1');
    const next = (): number => {
      const fd = rawSocket(2, 2);
      closeSocket(fd);
      opened.pop();
      return fd;
    };
    const before = next();
    expect(() => udp('127.0.0.1', UDP, endpoint.port)).toThrow();
    expect(next()).toBe(before);
  });

  it('that others have bound get the same options', () => {
    const fd = rawSocket(10, 2 | O_NONBLOCK);
    const any = Buffer.alloc(28);
    any.writeUInt16LE(10);
    expect(system().bind(fd, any, any.length)).toBe(0);
    const described = describeSocket(fd);
    if (typeof described === 'string') throw new Error(described);
    expect(described.endpoint.address).toBe('::');
    expect(flags(fd) & O_NONBLOCK).toBe(O_NONBLOCK);
    prepareUdpSocket(fd, described.endpoint, UDP);
    expect(flags(fd) & O_NONBLOCK).toBe(0);
    expect([pathMtuIpv6(fd), dontFragment(fd), packetInfoIpv6(fd), receiveBuffer(fd)]).toEqual([5, 1, 1, 65_536]);
    // It takes IPv4 too, as sockets of systemd do.
    expect([ipv6Only(fd), pathMtuIpv4(fd)]).toEqual([0, 5]);
  });

  it('that are not there cannot be prepared', () => {
    expect(() => prepareUdpSocket(99_999, { address: '127.0.0.1', port: 53 }, UDP)).toThrow(
      expect.objectContaining({ code: 'ADOTD_LISTEN', message: expect.stringContaining('EBADF') }),
    );
  });
});

describe('TCP sockets', () => {
  it.each(['127.0.0.1', '::1'])('on %s are listened on by node', async (address) => {
    const { fd, endpoint, protocol } = tcp(address);
    expect(protocol).toBe('tcp');
    expect(describeSocket(fd)).toBe('it is a TCP socket that does not listen');
    const server = createServer((socket) => socket.end('hello'));
    server.listen({ fd: duplicateSocket(fd) });
    await once(server, 'listening');
    expect(describeSocket(fd)).toEqual({ protocol: 'tcp', endpoint });
    const client = connect(endpoint.port, address);
    expect(String((await once(client, 'data'))[0])).toBe('hello');
    client.destroy();
    server.close();
  });

  it('go on to listen when one who listened has closed', async () => {
    const { fd, endpoint } = tcp('127.0.0.1');
    for (let round = 0; round < 2; round++) {
      const server = createServer((socket) => socket.end(`round ${round}`)).listen({ fd: duplicateSocket(fd) });
      await once(server, 'listening');
      const client = connect(endpoint.port, '127.0.0.1');
      expect(String((await once(client, 'data'))[0])).toBe(`round ${round}`);
      client.destroy();
      server.close();
      await once(server, 'close');
      expect(describeSocket(fd)).toEqual({ protocol: 'tcp', endpoint });
    }
  });

  it('share an address only when all of them want to', () => {
    const shared = { ...TCP, reusePort: true };
    const { endpoint } = tcp('127.0.0.1', shared);
    expect(tcp('127.0.0.1', shared, endpoint.port).endpoint).toEqual(endpoint);
  });

  it('name TLS where that is what cannot be served', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
    expect(() => openTcpSocket({ address: '127.0.0.1', port }, TCP, 'tls')).toThrow(
      `cannot listen on TLS 127.0.0.1:${port}: another program uses this port (EADDRINUSE)`,
    );
    server.close();
  });

  it('take connections before anybody accepts them, or say who else listens', async () => {
    const { endpoint, ...socket } = tcp('127.0.0.1');
    const other = tcp('127.0.0.1', TCP, endpoint.port);
    startListening({ endpoint, ...socket }, 'tcp');
    const client = connect(endpoint.port, '127.0.0.1');
    await once(client, 'connect');
    client.destroy();
    expect(() => startListening(other, 'tls')).toThrow(
      `cannot listen on TLS 127.0.0.1:${endpoint.port}: another program uses this port (EADDRINUSE)`,
    );
  });

  it('have a queue for TCP Fast Open before they listen', () => {
    const queue = (fd: number) => option(fd, 6, 23);
    expect(queue(tcp('127.0.0.1', { ...TCP, fastOpen: 77 }).fd)).toBe(77);
    expect(queue(tcp('127.0.0.1').fd)).toBe(0);
  });
});

describe('descriptors that were opened by others', () => {
  it('are described when they are UDP', () => {
    const { fd, endpoint } = udp('::1');
    expect(describeSocket(fd)).toEqual({ protocol: 'udp', endpoint });
  });

  it('are refused when they are not sockets', () => {
    const file = openSync('/dev/null', 'r');
    expect(describeSocket(file)).toBe('it is no socket');
    closeSync(file);
    expect(describeSocket(99_999)).toBe('it is not open');
  });

  it('are refused when they are sockets of other kinds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'adotd-sockets-'));
    const server = createServer().listen(join(folder, 'socket'));
    await once(server, 'listening');
    const handle: unknown = Reflect.get(server, '_handle');
    const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
    expect(describeSocket(Number(fd))).toBe('it is a Unix socket');
    server.close();
    rmSync(folder, { recursive: true });
    expect(describeSocket(rawSocket(16, 3))).toBe('its address family is 16, not IPv4 or IPv6');
    expect(describeSocket(rawSocket(2, 2))).toBe('it is bound to no port');
  });
});

describe('duplicates', () => {
  it('outlive what they were made of, and are not for programs that are started', () => {
    const { fd, endpoint } = udp('127.0.0.1');
    const copy = duplicateSocket(fd);
    closeSocket(fd);
    opened.splice(0, opened.length, copy);
    expect(describeSocket(copy)).toEqual({ protocol: 'udp', endpoint });
    expect(flags(copy) & O_CLOEXEC).toBe(O_CLOEXEC);
  });

  it('cannot be made of what is not open', () => {
    expect(() => duplicateSocket(99_999)).toThrow(
      expect.objectContaining({
        code: 'ADOTD_LISTEN',
        message: 'cannot duplicate the socket of descriptor 99999: EBADF',
      }),
    );
  });
});

it('a descriptor that was handed over can be kept from programs that are started', () => {
  const fd = rawSocket(2, 2);
  expect(flags(fd) & O_CLOEXEC).toBe(0);
  keepFromChildren(fd);
  expect(flags(fd) & O_CLOEXEC).toBe(O_CLOEXEC);
});
