/** A listening socket of the loop: accepts connections, and begins their sessions. */
import { constants } from 'node:os';
import { AdotdError, ErrorCode } from '../../errors.js';
import { endpointText } from '../address.js';
import { refuseConnections } from '../refuse-connections.js';
import { Family } from '../socket-address.js';
import { BACKLOG, duplicateSocket, prepareTcpSocket } from '../sockets.js';
import { type Endpoint, TransportEvent } from '../transport.js';
import { Ready } from './epoll.js';
import { EpollConnection } from './epoll-connection.js';
import type { LoopParts } from './loop-parts.js';

/** A bound socket; its binder closes it. */
export interface StreamSocket {
  readonly fd: number;
  readonly endpoint: Endpoint;
  /** TLS from the first octet on. */
  readonly secure: boolean;
  /** Other processes have it too. */
  readonly shared: boolean;
}

const { EAGAIN, EMFILE, ENFILE, EINTR, ECONNABORTED } = constants.errno;
const F_DUPFD_CLOEXEC = 1030;
/** SOCK_NONBLOCK and SOCK_CLOEXEC of accept4(2). */
const ACCEPT_FLAGS = 0o2004000;
/** Connections that are accepted at one event. A guess: sessions under way have their turn in between. */
const ACCEPTS = 64;
/** As in stream.ts: descriptors run short when no more than these are left. */
const LAST_DESCRIPTORS = 16;

/** struct sockaddr_in and sockaddr_in6. */
const ADDRESS_ROOM = 32;
const PORT = 2;
const INET_ADDRESS = 4;
const INET6_ADDRESS = 8;
/** The part of an IPv4-mapped address that is the same in all of them (RFC 4291 §2.5.5.2). */
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** The listeners of a loop. */
export interface EpollListeners {
  /** Accepts connections on a listening descriptor; false: it is none of these. */
  accept(fd: number): boolean;
  /** Tries again to accept where descriptors had run out. */
  rearm(): void;
  /** Whether rearm() has something to do. */
  readonly paused: boolean;
  /** When a connection was accepted last; milliseconds of the clock. */
  readonly acceptedAt: number;
  /** Lets no new connections begin, on each socket where that is possible; returns whether it is possible on one. */
  refuse(): boolean;
  /** Accepts the connections that wait, and listens no longer. */
  close(): void;
}

/** Listens on duplicates of the sockets. Throws ADOTD_LISTEN. */
export function createListeners(sockets: readonly StreamSocket[], parts: LoopParts): EpollListeners {
  const { system, epoll } = parts;
  const accepting = new Accepting(parts);
  const listening = new Map<number, StreamSocket & { readonly generation: number }>();
  for (const socket of sockets) {
    const fd = duplicateSocket(socket.fd);
    parts.own(fd);
    const generation = parts.generation();
    listening.set(fd, { ...socket, generation });
    prepareTcpSocket(fd, socket.endpoint, socket.secure ? 'tls' : 'tcp');
    if (!epoll.add(fd, generation, Ready.READ)) {
      const where = endpointText(socket.endpoint.address, socket.endpoint.port);
      throw new AdotdError(ErrorCode.LISTEN, `cannot wait for connections to ${where}: ${system.errno()}`);
    }
  }
  /** Those that are not watched, for lack of descriptors. */
  const resting: number[] = [];
  return {
    accept(fd) {
      const socket = listening.get(fd);
      if (socket === undefined) return false;
      if (!accepting.accept(fd, socket.secure, ACCEPTS)) {
        epoll.change(fd, socket.generation, 0);
        resting.push(fd);
      }
      return true;
    },
    rearm() {
      for (const fd of resting.splice(0)) epoll.change(fd, listening.get(fd)?.generation ?? 0, Ready.READ);
    },
    get paused() {
      return resting.length > 0;
    },
    get acceptedAt() {
      return accepting.acceptedAt;
    },
    refuse: () => [...listening].filter(([fd, { shared }]) => !shared && refuseConnections(fd)).length > 0,
    close() {
      for (const [fd, { secure }] of listening) {
        accepting.accept(fd, secure, BACKLOG);
        // It has a duplicate: epoll would go on to watch the socket.
        epoll.remove(fd);
        parts.close(fd);
      }
      listening.clear();
      resting.length = 0;
      accepting.close();
    },
  };
}

class Accepting {
  acceptedAt = Number.NEGATIVE_INFINITY;
  readonly #parts: LoopParts;
  /** Where accept4 writes the client's address, and its length behind it. */
  readonly #octets = new Uint8Array(new SharedArrayBuffer(ADDRESS_ROOM + 4));
  readonly #view = new DataView(this.#octets.buffer);
  readonly #address: number;
  readonly #lengthAddress: number;
  /** A descriptor to give up when there is no other, so that a connection can be accepted in order to close it; -1: there is none. */
  #reserve: number;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#address = parts.system.address(this.#octets, this);
    this.#lengthAddress = this.#address + ADDRESS_ROOM;
    this.#reserve = -1;
    this.#keepReserve();
  }

  /** Accepts up to `most` connections. False: descriptors are out, and nothing can be done about it now. */
  accept(listener: number, secure: boolean, most: number): boolean {
    const { system, context } = this.#parts;
    for (let count = 0; count < most; count++) {
      const fd = this.#acceptOne(listener);
      if (fd >= 0) {
        this.#begin(fd, secure);
        continue;
      }
      const error = system.errorNumber();
      if (error === EAGAIN) return true;
      if (error === EINTR || error === ECONNABORTED) continue;
      if (error !== EMFILE && error !== ENFILE) context.event(TransportEvent.TCP_ERROR);
      return this.#short(listener, most - count);
    }
    return true;
  }

  close(): void {
    if (this.#reserve >= 0) this.#parts.close(this.#reserve);
    this.#reserve = -1;
  }

  #acceptOne(listener: number): number {
    this.#view.setInt32(ADDRESS_ROOM, ADDRESS_ROOM, true);
    return this.#parts.system.accept4(listener, this.#address, this.#lengthAddress, ACCEPT_FLAGS);
  }

  /** Begins a session, or closes a connection that is one too many. */
  #begin(fd: number, secure: boolean): void {
    const { context, system } = this.#parts;
    const client = this.#client();
    if (client === undefined || !context.sessions.admit(client)) {
      context.event(TransportEvent.TCP_REFUSED);
      system.close(fd);
      return;
    }
    this.#parts.own(fd);
    if (fd >= context.descriptors - LAST_DESCRIPTORS) context.outOfDescriptors();
    this.acceptedAt = context.clock.milliseconds();
    const connection = new EpollConnection(fd, this.#parts);
    const session = context.sessions.open(connection, client, secure);
    session.clientPort = this.#view.getUint16(PORT);
    connection.serve(session);
    if (secure) connection.startTls(new Uint8Array(0));
  }

  /** The client's address: 4 or 16 octets. An IPv4-mapped one is the IPv4 address in it. */
  #client(): Uint8Array | undefined {
    const family = this.#view.getUint16(0, true);
    if (family === Family.INET) return new Uint8Array(this.#octets.subarray(INET_ADDRESS, INET_ADDRESS + 4));
    if (family !== Family.INET6) return undefined;
    const mapped = MAPPED.every((octet, i) => this.#octets[INET6_ADDRESS + i] === octet);
    const from = INET6_ADDRESS + (mapped ? MAPPED.length : 0);
    return new Uint8Array(this.#octets.subarray(from, INET6_ADDRESS + 16));
  }

  /**
   * There is no descriptor for a connection: it would stay in the queue, and its client would wait. With the reserved descriptor it is
   * accepted and closed. Those that are open go on; some are asked to make room.
   */
  #short(listener: number, most: number): boolean {
    const { context, system } = this.#parts;
    context.outOfDescriptors();
    if (this.#reserve < 0) this.#keepReserve();
    if (this.#reserve < 0) return false;
    this.close();
    for (let count = 0; count < most; count++) {
      const fd = this.#acceptOne(listener);
      if (fd < 0) break;
      system.close(fd);
      context.event(TransportEvent.TCP_REFUSED);
    }
    this.#keepReserve();
    return true;
  }

  #keepReserve(): void {
    const { system, epoll } = this.#parts;
    this.#reserve = system.fcntl(epoll.fd, F_DUPFD_CLOEXEC, 0);
    if (this.#reserve >= 0) this.#parts.own(this.#reserve);
  }
}
