/**
 * A connection of the loop: TCP, and TLS over it. Its descriptor does not block; octets that the system does not take at once are sent when
 * epoll says that there is room.
 *
 * Inside TLS, octets that were read make a turn of the TLS engine: each answer becomes a record, and all records of the turn are sent
 * together. TLS is closed by close_notify without FIN, so that the client closes TCP first, and TIME_WAIT is the client's (RFC 7858 §3.4).
 *
 * Hot file: no allocation per message, no exceptions for control flow.
 */
import type { Connection } from '../../session/connection.js';
import type { Session } from '../../session/session.js';
import { HandshakeEnd, SessionPath } from '../../session/session-end.js';
import { TlsRead } from '../../tls/openssl/turn.js';
import { handshakeFailure } from '../handshake-failure.js';
import { TransportEvent } from '../transport.js';
import { Ready } from './epoll.js';
import { LARGEST_READ, type LoopParts } from './loop-parts.js';
import { measureRoundTrip } from './round-trip.js';
import { mayTryAgain, Sender } from './sender.js';
import { TlsPlace } from './tls-place.js';

const SHUT_WR = 1;
const NOTHING = new Uint8Array(0);
/** Reads that throw away octets before a connection is closed behind an alert. A guess: as much as a client sends in one go. */
const LAST_READS = 4;

export class EpollConnection implements Connection {
  readonly fd: number;
  readonly generation: number;
  readonly #parts: LoopParts;
  readonly #sender: Sender;
  #session: Session | undefined;
  #open = true;
  /** Events that epoll watches for. */
  #watched: number = Ready.READ;
  /** Whether the session wants octets. */
  #reading = true;
  #peerEnded = false;
  /** Our direction is to be closed behind the octets that wait. */
  #ending = false;
  #finSent = false;
  /** The answers in the clear that are to be sent: they stand one behind the other. */
  #taken: Uint8Array = NOTHING;
  #takenFrom = 0;
  #takenTo = 0;
  /** Octets that came and are not counted yet. */
  #received = 0;
  #silent = true;
  /** TLS; undefined before it has begun. */
  #tls: TlsPlace | undefined;
  /** Octets of TLS that the session has handed over. */
  #first: Uint8Array | undefined;
  /** TLS has failed: the connection is closed behind the octets that wait. */
  #failing = false;
  #deferred = false;
  /** The session is to go on. */
  #yielded = false;

  constructor(fd: number, parts: LoopParts) {
    this.fd = fd;
    this.generation = parts.generation();
    this.#parts = parts;
    this.#sender = new Sender(fd, parts);
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
    return this.#sender.unsent + (this.#tls?.sealed ?? 0);
  }

  /** The session that octets are delivered to. */
  get session(): Session | undefined {
    return this.#session;
  }

  get handshaking(): boolean {
    return this.#tls?.isOpen === true && this.#session?.isHandshaking === true;
  }

  answer(octets: Uint8Array, from: number, to: number): void {
    if (this.#tls !== undefined) {
      if (this.#tls.isOpen && !this.#tls.seal(octets, from, to)) this.#broke();
      return;
    }
    if (octets !== this.#taken || from !== this.#takenTo) {
      this.send();
      this.#taken = octets;
      this.#takenFrom = from;
    }
    this.#takenTo = to;
  }

  send(): void {
    if (this.#tls !== undefined) {
      this.#settle(this.#tls.send());
      return;
    }
    const octets = this.#taken;
    const from = this.#takenFrom;
    const to = this.#takenTo;
    this.#taken = NOTHING;
    this.#takenFrom = 0;
    this.#takenTo = 0;
    if (from < to && this.#open) this.#settle(this.#sender.send(octets, this.#parts.addressOf(octets), from, to));
  }

  flush(): void {
    if (this.#sender.unsent === 0) this.#session?.drained();
  }

  yield(): void {
    if (this.#yielded) return;
    this.#yielded = true;
    this.#parts.yielded.push(this);
  }

  sessionGoOn(): void {
    this.#yielded = false;
    if (this.#open) this.#session?.goOn();
  }

  pause(): void {
    this.#reading = false;
    this.#watch();
  }

  resume(): void {
    this.#reading = true;
    this.#watch();
    // Epoll does not tell of octets that had come before the pause.
    if (this.#tls?.hasKept) this.#defer();
  }

  startTls(octets: Uint8Array): void {
    const { tls, context } = this.#parts;
    if (this.#session !== undefined) this.#countOctets(this.#session, SessionPath.TCP, octets.length);
    this.#tls = tls && new TlsPlace(tls, this.#parts, this.#sender);
    if (this.#tls?.isOpen !== true) {
      context.event(TransportEvent.TCP_REFUSED);
      this.destroy();
      return;
    }
    this.#reading = true;
    this.#watch();
    if (octets.length === 0) return;
    // Not at once: the session is in the middle of something.
    this.#first = octets;
    this.#defer();
  }

  end(): void {
    if (!this.#open || this.#finSent || this.#ending) return;
    if (this.#tls?.isOpen && !this.#settle(this.#tls.close())) return;
    if (this.#sender.unsent > 0) this.#ending = true;
    else this.#finish();
  }

  destroy(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#first = undefined;
    this.#sender.clear();
    this.#tls?.free();
    const { connections, gone } = this.#parts;
    connections[this.fd] = undefined;
    // While there is a descriptor.
    measureRoundTrip(this.#parts, this.fd, this.#session);
    // Its descriptor has no duplicate, so epoll forgets it, too.
    this.#parts.close(this.fd);
    gone.push(this);
  }

  /** Does the work that these events make possible. */
  ready(events: number): void {
    if ((events & Ready.WRITE) !== 0) this.#sendWaiting();
    if (!this.#open) return;
    if ((this.#watched & Ready.READ) !== 0) {
      if ((events & ~Ready.WRITE) === 0) return;
      if (this.handshaking) this.#defer();
      else this.#read();
    } else if ((events & (Ready.ERROR | Ready.HANGUP)) !== 0) this.#broke();
  }

  goOn(): void {
    this.#deferred = false;
    if (!this.#open) return;
    if (this.#first !== undefined) this.#feedFirst(this.#first);
    else if (this.handshaking) this.#read();
    else if (this.#tls?.isOpen && this.#reading) this.#work(this.#tls, 0, 0);
  }

  tellGone(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    this.#countOctets(session, session.count.path);
    this.#parts.context.sessions.closed(session, this.#silent);
  }

  /** One read: if there is more, epoll says so again. Others get their turn first. */
  #read(): void {
    const { system, memory } = this.#parts;
    const received = system.recv(this.fd, memory.inputAddress, LARGEST_READ, 0);
    if (received > 0) {
      this.#received += received;
      this.#silent = false;
      // Read and thrown away: closing with unread octets would reset the connection.
      if (this.#finSent || this.#ending || this.#failing) return;
      if (this.#tls !== undefined) this.#work(this.#tls, memory.inputAddress, received);
      else this.#session?.received(memory.input, 0, received);
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
    if (!this.#settle(this.#sender.sendWaiting()) || this.#sender.unsent > 0) return;
    if (this.#failing) this.#closeBehindAlert();
    else if (this.#ending) this.#finish();
    else this.#session?.drained();
  }

  /** Something was sent, and may wait. `sound`: false if the connection is broken; returns whether it goes on. */
  #settle(sound: boolean): boolean {
    if (!sound) this.#broke();
    else this.#watch();
    return this.#open;
  }

  /** Sends our FIN; not behind close_notify. */
  #finish(): void {
    this.#ending = false;
    this.#finSent = true;
    if (this.#tls === undefined) this.#parts.system.shutdown(this.fd, SHUT_WR);
    if (this.#peerEnded) this.destroy();
  }

  #broke(): void {
    if (!this.#open) return;
    const session = this.#session;
    if (session?.isHandshaking) session.count.failed(HandshakeEnd.CONNECTION);
    else this.#parts.context.event(TransportEvent.TCP_ERROR);
    this.destroy();
  }

  /** Works on the octets that the session handed over as on those that are read. */
  #feedFirst(octets: Uint8Array): void {
    const { output, outputAddress } = this.#parts.memory;
    const part = octets.subarray(0, LARGEST_READ);
    this.#first = undefined;
    output.set(part);
    if (part.length < octets.length) {
      this.#first = octets.subarray(part.length);
      this.#defer();
    }
    if (this.#tls?.isOpen) this.#work(this.#tls, outputAddress, part.length);
  }

  /** A turn of the engine: `length` octets of TLS are opened, the queries in them are answered, and the answers are sent. */
  #work(tls: TlsPlace, address: number, length: number): void {
    if (!tls.begin(address, length)) {
      this.#broke();
      return;
    }
    while (tls.isOpen && (this.#reading || this.#session?.isHandshaking)) {
      const read = tls.read();
      if (read > 0) this.#session?.received(tls.engine.plaintext, 0, read);
      else if (read === TlsRead.SECURED) this.#secured(tls);
      else {
        if (read === TlsRead.CLOSED) this.#session?.ended();
        else if (read !== TlsRead.WAIT) this.#failed(tls);
        break;
      }
    }
    if (tls.isOpen) this.#settle(tls.end());
  }

  #secured(tls: TlsPlace): void {
    const session = this.#session;
    const agreed = tls.describe();
    if (session === undefined || agreed === undefined) return;
    this.#parts.context.counts.agreed(session.count.path, agreed, session.client);
    session.secured(agreed.resumed, agreed.isXot);
  }

  /** TLS has failed, and its engine may have an alert to send. RFC 8446 §6.2: the connection is closed behind it. */
  #failed(tls: TlsPlace): void {
    const session = this.#session;
    if (session?.isHandshaking) session.count.failed(handshakeFailure(tls.engine.failure));
    else this.#parts.context.event(TransportEvent.TCP_ERROR);
    const sound = tls.sendSealed();
    tls.free();
    this.#failing = true;
    if (!sound) this.destroy();
    else if (this.#sender.unsent === 0) this.#closeBehindAlert();
    else this.#watch();
  }

  #closeBehindAlert(): void {
    const { system, memory } = this.#parts;
    system.shutdown(this.fd, SHUT_WR);
    // With octets that were not read, close() would reset the connection, and the client might lose the alert.
    for (let i = 0; i < LAST_READS && system.recv(this.fd, memory.inputAddress, LARGEST_READ, 0) > 0; i++);
    this.destroy();
  }

  /** Has the loop call goOn() when all established sessions have had their turn. */
  #defer(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#parts.deferred.push(this);
  }

  /** Counts the octets since the last call, except the `later` last ones that have come. */
  #countOctets({ client }: Session, path: SessionPath, later = 0): void {
    this.#parts.context.counts.octets(path, this.#received - later, this.#sender.sent, client);
    this.#received = later;
    this.#sender.sent = 0;
  }

  /** Has epoll watch for the events that are wanted now. While none are, it still tells of a connection that breaks. */
  #watch(): void {
    if (!this.#open) return;
    const read = this.#reading && !this.#peerEnded ? Ready.READ : 0;
    const wanted = read | (this.#sender.unsent > 0 ? Ready.WRITE : 0);
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    this.#parts.epoll.change(this.fd, this.generation, wanted);
  }
}
