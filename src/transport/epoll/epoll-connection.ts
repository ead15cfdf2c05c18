/**
 * A TCP connection of the loop. Its descriptor does not block. What the system does not take at once waits here, and is sent when epoll
 * says that there is room.
 *
 * Hot file: no allocation per message, no exceptions for control flow.
 */
import { constants } from 'node:os';
import type { Connection } from '../../session/connection.js';
import type { Session } from '../../session/session.js';
import { SessionPath } from '../../session/session-end.js';
import { TransportEvent } from '../transport.js';
import { Ready } from './epoll.js';
import { LARGEST_READ, type LoopParts } from './loop-parts.js';

const { EAGAIN, EINTR } = constants.errno;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const NOTHING = new Uint8Array(0);

export class EpollConnection implements Connection {
  readonly fd: number;
  readonly generation: number;
  readonly #parts: LoopParts;
  #session: Session | undefined;
  #open = true;
  /** Events that epoll watches for. */
  #watched: number = Ready.READ;
  /** Whether the session wants octets. */
  #reading = true;
  #peerEnded = false;
  /** Our direction is to be closed behind what waits. */
  #ending = false;
  #finSent = false;
  /** The answers that are to be sent: they stand one behind the other. */
  #taken: Uint8Array = NOTHING;
  #takenFrom = 0;
  #takenTo = 0;
  /** Octets that the system has not taken; `#unsent` of them, the first at `#waitingFrom` of the first part. */
  #waiting: Uint8Array[] | undefined;
  #waitingFrom = 0;
  #unsent = 0;
  /** Octets that came and went, and are not counted yet. */
  #received = 0;
  #sent = 0;
  #silent = true;

  constructor(fd: number, parts: LoopParts) {
    this.fd = fd;
    this.generation = parts.generation();
    this.#parts = parts;
  }

  /** Begins to deliver octets to the session. */
  serve(session: Session): void {
    this.#session = session;
    const { epoll, connections, context } = this.#parts;
    connections[this.fd] = this;
    if (epoll.add(this.fd, this.generation, this.#watched)) return;
    context.event(TransportEvent.TCP_ERROR);
    this.destroy();
  }

  get unsent(): number {
    return this.#unsent;
  }

  answer(octets: Uint8Array, from: number, to: number): void {
    if (octets !== this.#taken || from !== this.#takenTo) {
      this.send();
      this.#taken = octets;
      this.#takenFrom = from;
    }
    this.#takenTo = to;
  }

  send(): void {
    const octets = this.#taken;
    const from = this.#takenFrom;
    const length = this.#takenTo - from;
    this.#taken = NOTHING;
    this.#takenFrom = 0;
    this.#takenTo = 0;
    if (length === 0 || !this.#open) return;
    let sent = 0;
    if (this.#unsent === 0) {
      const address = this.#parts.addressOf(octets);
      sent = this.#sendNow(from === 0 ? address : address + from, length);
      if (sent === length || !this.#open) return;
    }
    this.#waiting ??= [];
    this.#waiting.push(new Uint8Array(octets.subarray(from + sent, from + length)));
    this.#unsent += length - sent;
    this.#watch();
  }

  flush(): void {
    if (this.#unsent === 0) this.#session?.drained();
  }

  pause(): void {
    this.#reading = false;
    this.#watch();
  }

  resume(): void {
    this.#reading = true;
    this.#watch();
  }

  startTls(_octets: Uint8Array): void {
    // No TLS is offered by a server whose streams this loop serves.
    this.destroy();
  }

  end(): void {
    if (!this.#open || this.#finSent) return;
    if (this.#unsent > 0) this.#ending = true;
    else this.#finish();
  }

  destroy(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#unsent = 0;
    this.#waiting = undefined;
    const { connections, gone } = this.#parts;
    connections[this.fd] = undefined;
    // Its descriptor has no duplicate, so that epoll forgets it, too.
    this.#parts.close(this.fd);
    gone.push(this);
  }

  /** Does what these events make possible. */
  ready(events: number): void {
    if ((events & Ready.WRITE) !== 0) this.#sendWaiting();
    if (!this.#open) return;
    if ((this.#watched & Ready.READ) !== 0) {
      if ((events & ~Ready.WRITE) !== 0) this.#read();
    } else if ((events & (Ready.ERROR | Ready.HANGUP)) !== 0) this.#broke();
  }

  /** The connection is closed: tells the session, and counts. */
  tellGone(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    const { counts, sessions } = this.#parts.context;
    counts.octets(SessionPath.TCP, this.#received, this.#sent);
    sessions.closed(session, this.#silent);
  }

  /** One read: there may be more, and epoll says so again. Others get their turn first. */
  #read(): void {
    const { system, memory } = this.#parts;
    const received = system.recv(this.fd, memory.inputAddress, LARGEST_READ, 0);
    if (received > 0) {
      this.#received += received;
      this.#silent = false;
      this.#session?.received(memory.input, 0, received);
    } else if (received < 0) {
      if (!mayTryAgain(system.errorNumber())) this.#broke();
    } else if (this.#finSent) this.destroy();
    else {
      this.#peerEnded = true;
      this.#watch();
      this.#session?.ended();
    }
  }

  #sendWaiting(): void {
    const { output, outputAddress } = this.#parts.memory;
    const waiting = this.#waiting ?? [];
    while (this.#unsent > 0) {
      const part = waiting[0]!;
      const from = this.#waitingFrom;
      const length = Math.min(part.length - from, LARGEST_READ);
      output.set(part.subarray(from, from + length));
      const sent = this.#sendNow(outputAddress, length);
      if (!this.#open) return;
      this.#unsent -= sent;
      this.#waitingFrom += sent;
      if (this.#waitingFrom === part.length) {
        waiting.shift();
        this.#waitingFrom = 0;
      }
      if (sent < length) return;
    }
    this.#waiting = undefined;
    this.#watch();
    if (this.#ending) this.#finish();
    else this.#session?.drained();
  }

  /** Returns how many octets the system has taken. */
  #sendNow(address: number, length: number): number {
    const { system } = this.#parts;
    const sent = system.send(this.fd, address, length, MSG_NOSIGNAL);
    if (sent >= 0) {
      this.#sent += sent;
      return sent;
    }
    if (!mayTryAgain(system.errorNumber())) this.#broke();
    return 0;
  }

  /** Sends our FIN. */
  #finish(): void {
    this.#ending = false;
    this.#finSent = true;
    this.#parts.system.shutdown(this.fd, SHUT_WR);
    if (this.#peerEnded) this.destroy();
  }

  #broke(): void {
    this.#parts.context.event(TransportEvent.TCP_ERROR);
    this.destroy();
  }

  /** Has epoll watch for what is wanted now. While nothing is, it still tells of a connection that breaks. */
  #watch(): void {
    if (!this.#open) return;
    const read = this.#reading && !this.#peerEnded ? Ready.READ : 0;
    const wanted = read | (this.#unsent > 0 ? Ready.WRITE : 0);
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    this.#parts.epoll.change(this.fd, this.generation, wanted);
  }
}

function mayTryAgain(error: number): boolean {
  return error === EAGAIN || error === EINTR;
}
