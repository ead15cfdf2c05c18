/**
 * Datagrams in batches, by recvmmsg and sendmmsg, or one by recvfrom and sendto: the memory of these calls, laid out once. A message is
 * read where the system puts it, and its response is composed where the system takes it.
 *
 * Hot file: typed arrays and integers, every offset has a name; nothing is allocated once a batch's memory exists.
 * The layouts are those of 64-bit Linux, little-endian (libc.ts sees to that); self-test.ts tries them out.
 */
import { constants } from 'node:os';
import type { Libc } from './libc.js';
import { INET_SOURCE_LENGTH, INET6_SOURCE_LENGTH, inet6Source, inetSource } from './udp/control-messages.js';

/** Most datagrams of one call. */
export const BATCH = 64;

/** Flags of both calls. */
export const MSG_DONTWAIT = 0x40;
/** recvmmsg(2): waits for the first datagram only. */
export const MSG_WAITFORONE = 0x10000;

const { EINTR, EAGAIN } = constants.errno;

/** struct mmsghdr: a struct msghdr of 56 octets, the length, padding. */
const HEADER = 64;
const NAME = 0;
const NAME_LENGTH = 8;
const IOV = 16;
const IOV_COUNT = 24;
const CONTROL = 32;
const CONTROL_LENGTH = 40;
const MESSAGE_LENGTH = 56;

/** struct iovec. */
const VECTOR = 16;
const VECTOR_LENGTH = 8;

/** struct sockaddr_in and sockaddr_in6, the longer one rounded up. */
const PEER = 32;
const PEER_PORT = 2;
const INET_ADDRESS = 4;
const INET6_ADDRESS = 8;
const INET_LENGTH = 16;
const INET6_LENGTH = 28;
/** Octets before the IPv4 address in an IPv4-mapped one, ::ffff:0:0/96 (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = 12;
/** The last four of them, as a word. */
const MAPPED_WORD = -0x10000;

/** Room for control messages: that of the address asked, and some that others may have switched on. */
const CONTROL_ROOM = 128;
/**
 * The octets that hold() returns: the sender's address, the length of the control messages (at most CONTROL_ROOM), the control messages.
 */
const HELD_LENGTH = PEER;
const HELD_CONTROL = HELD_LENGTH + 1;
/** struct pollfd: descriptor, events asked for, events found. */
const POLL_EVENTS = 4;
const POLLOUT = 4;
/** Milliseconds that a batch waits for room in the send buffer, and how many times: a stuck device must not look like a stuck thread. */
const WAIT = 5;
const WAITS = 6;

const CACHE_LINE = 64;
const WORD = 2 ** 32;

/** The octets of requests and responses. All sockets of a thread share them: a thread handles one batch at a time. */
export interface Slots {
  readonly octets: Uint8Array;
  /** Octets that a response may have. */
  readonly capacity: number;
  /** From one request to the next; the first is at 0. */
  readonly requestStride: number;
  /** Where the first response is, and from one to the next. */
  readonly responseAt: number;
  readonly responseStride: number;
}

/**
 * Requests have room for the longest datagram, so none is cut off: node:dgram delivers whole ones too, and a request must get the
 * same response on both paths. They take 4 MiB, of which one page a slot is used unless longer requests come. Measured: slots of
 * 576 octets, closer together, are no faster.
 */
export function createSlots(capacity: number): Slots {
  const requestStride = 65_536;
  const responseStride = Math.ceil(capacity / CACHE_LINE) * CACHE_LINE;
  const responseAt = requestStride * BATCH;
  const octets = new Uint8Array(new SharedArrayBuffer(responseAt + responseStride * BATCH));
  return { octets, capacity, requestStride, responseAt, responseStride };
}

/** The batches of one socket. Numbers of messages count from 0 within the batch received last. */
export interface Batches {
  /** Kept here, since the system goes on to write to this memory even after it was collected as garbage. */
  readonly slots: Slots;
  /**
   * Receives up to `most` datagrams, 1 or BATCH; returns how many, 0: nothing came (EAGAIN, EINTR). Below 0: the error's number,
   * negated. `flags`: MSG_DONTWAIT or MSG_WAITFORONE.
   */
  receive(flags: number, most: number): number;
  /** Octets of a message. */
  lengthOf(message: number): number;
  /** The port it came from, 0 when it has none. */
  portOf(message: number): number;
  /** Copies the address it came from and returns its octets: 4 or 16. An IPv4-mapped IPv6 address is the IPv4 address in it. */
  copyAddress(message: number, to: Uint8Array): number;
  /** Addresses the `length` octets in response slot `response` to the sender of a message. Slots are put in order, from 0. */
  put(response: number, message: number, length: number): void;
  /** A copy of the address that a message came from, and of the one that it was sent to. */
  hold(message: number): Uint8Array;
  /** Makes message 0 one that came from the sender in a copy of hold(). */
  restore(held: Uint8Array): void;
  /** Sends the first `count` responses; returns how many could not be sent. Waits for room, but never for long. */
  send(count: number): number;
}

/**
 * Where each part of the memory of one socket's batches begins: headers of both calls, their vectors, the senders' addresses, the
 * pollfd of poll. Control messages come last, and only where a wildcard address has them.
 */
const RX = 0;
const TX = RX + BATCH * HEADER;
const RX_VECTORS = TX + BATCH * HEADER;
const TX_VECTORS = RX_VECTORS + BATCH * VECTOR;
const PEERS = TX_VECTORS + BATCH * VECTOR;
const POLLFD = PEERS + BATCH * PEER;
const CONTROLS = POLLFD + CACHE_LINE;

/** That memory, and its address; `family`: of the socket. */
interface Memory {
  readonly octets: Uint8Array;
  readonly words: Int32Array;
  readonly address: number;
  readonly family: 4 | 6;
}

/**
 * The batches of the UDP socket `fd`. `family`: 4 or 6; `wildcard`: it is bound to no address of its own, so that a response
 * must name the address that the query was sent to. The system tells it when IP_PKTINFO or IPV6_RECVPKTINFO is set.
 */
export function createBatches(system: Libc, fd: number, family: 4 | 6, wildcard: boolean, slots: Slots): Batches {
  const octets = new Uint8Array(new SharedArrayBuffer(CONTROLS + (wildcard ? BATCH * CONTROL_ROOM : 0)));
  const words = new Int32Array(octets.buffer);
  const address = system.address(octets, slots);
  const memory: Memory = { octets, words, address, family };
  const slotsAddress = system.address(slots.octets, octets);
  prepareHeaders(memory, slots, slotsAddress);
  if (wildcard) prepareControls(memory);
  words[POLLFD >> 2] = fd;
  words[(POLLFD + POLL_EVENTS) >> 2] = POLLOUT;
  const addressLength = family === 4 ? 4 : 16;
  const peerAddress = family === 4 ? INET_ADDRESS : INET6_ADDRESS;
  /** By response: the message whose sender its header is addressed to. */
  const addressee = Uint8Array.from({ length: BATCH }, (_, message) => message);

  return {
    slots,
    receive: receiver(system, fd, memory, wildcard ? 0 : slotsAddress, slots.requestStride),
    lengthOf: (message) => words[(RX + message * HEADER + MESSAGE_LENGTH) >> 2]!,
    portOf(message) {
      const at = PEERS + message * PEER + PEER_PORT;
      return (octets[at]! << 8) | octets[at + 1]!;
    },
    copyAddress(message, to) {
      let at = PEERS + message * PEER + peerAddress;
      let length = addressLength;
      if (family === 6 && isMapped(words, at)) {
        at += MAPPED_PREFIX;
        length -= MAPPED_PREFIX;
      }
      for (let i = 0; i < length; i++) to[i] = octets[at + i]!;
      return length;
    },
    put(response, message, length) {
      const header = TX + response * HEADER;
      words[(TX_VECTORS + response * VECTOR + VECTOR_LENGTH) >> 2] = length;
      if (addressee[response] !== message) {
        addressee[response] = message;
        put64(words, header + NAME, address + PEERS + message * PEER);
      }
      if (wildcard) putSource(memory, header, message);
    },
    hold: (message) => holdPeer(memory, message, wildcard),
    restore: (held) => restorePeer(memory, held),
    send: sender(system, fd, memory, wildcard ? 0 : slotsAddress + slots.responseAt, addressee),
  };
}

/**
 * Calls recvmmsg, or recvfrom for one datagram. `slot`: address of its room, of `room` octets; 0: it comes with control messages, for which
 * recvfrom has no place. Addresses are computed once: the same number object serves all calls.
 */
function receiver(
  system: Libc,
  fd: number,
  { words, address }: Memory,
  slot: number,
  room: number,
): Batches['receive'] {
  const headers = address + RX;
  const peer = address + PEERS;
  const peerLength = headers + NAME_LENGTH;
  return (flags, most) => {
    let count: number;
    if (most === 1 && slot !== 0) {
      // It waits unless told otherwise.
      count = system.recvfrom(fd, slot, room, flags & MSG_DONTWAIT, peer, peerLength);
      if (count >= 0) {
        words[(RX + MESSAGE_LENGTH) >> 2] = count;
        return 1;
      }
    } else {
      count = system.recvmmsg(fd, headers, most, flags, 0);
      if (count >= 0) return count;
    }
    const error = system.errorNumber();
    return error === EAGAIN || error === EINTR ? 0 : -error;
  };
}

/**
 * Calls sendmmsg, and poll while there is no room; sendto for one response. `slot`: address of the first response; 0: it needs a control
 * message. `addressee`: by response, the message that it answers.
 */
function sender(
  system: Libc,
  fd: number,
  { words, address, family }: Memory,
  slot: number,
  addressee: Uint8Array,
): Batches['send'] {
  const headers = address + TX;
  const peers = address + PEERS;
  const pollfd = address + POLLFD;
  const peerLength = family === 4 ? INET_LENGTH : INET6_LENGTH;
  return (count) => {
    if (count === 1 && slot !== 0) {
      const length = words[(TX_VECTORS + VECTOR_LENGTH) >> 2]!;
      const message = addressee[0]!;
      const to = message === 0 ? peers : peers + message * PEER;
      // Where it fails, sendmmsg tries again and tells why.
      if (system.sendtoAt(fd, slot, length, MSG_DONTWAIT, to, peerLength) >= 0) return 0;
    }
    let lost = 0;
    let waits = 0;
    for (let at = 0; at < count; ) {
      const sent = system.sendmmsg(fd, at === 0 ? headers : headers + at * HEADER, count - at, MSG_DONTWAIT);
      if (sent > 0) {
        at += sent;
        continue;
      }
      const error = sent === 0 ? EAGAIN : system.errorNumber();
      if (error === EINTR) continue;
      if (error === EAGAIN) {
        if (waits++ === WAITS) return lost + count - at;
        system.poll(pollfd, 1, WAIT);
        continue;
      }
      // The error belongs to the first message; the others are tried.
      lost++;
      at++;
    }
    return lost;
  };
}

/** Points every header to its vector, its slot and the address of its peer. */
function prepareHeaders(memory: Memory, slots: Slots, slotsAddress: number): void {
  const { words, address, family } = memory;
  const prepare = (header: number, vector: number, message: number, slot: number, length: number): void => {
    put64(words, header + NAME, address + PEERS + message * PEER);
    words[(header + NAME_LENGTH) >> 2] = family === 4 ? INET_LENGTH : INET6_LENGTH;
    put64(words, header + IOV, address + vector);
    put64(words, header + IOV_COUNT, 1);
    put64(words, vector, slotsAddress + slot);
    put64(words, vector + VECTOR_LENGTH, length);
  };
  for (let i = 0; i < BATCH; i++) {
    const response = slots.responseAt + i * slots.responseStride;
    prepare(RX + i * HEADER, RX_VECTORS + i * VECTOR, i, i * slots.requestStride, slots.requestStride);
    prepare(TX + i * HEADER, TX_VECTORS + i * VECTOR, i, response, 0);
  }
}

/** Gives every message that is received room for control messages. */
function prepareControls({ words, address }: Memory): void {
  for (let i = 0; i < BATCH; i++) {
    put64(words, RX + i * HEADER + CONTROL, address + CONTROLS + i * CONTROL_ROOM);
    words[(RX + i * HEADER + CONTROL_LENGTH) >> 2] = CONTROL_ROOM;
  }
}

/** Makes the address that the message was sent to the source of this header's response, if the system told it. */
function putSource({ octets, words, address, family }: Memory, header: number, message: number): void {
  const used = words[(RX + message * HEADER + CONTROL_LENGTH) >> 2]!;
  words[(RX + message * HEADER + CONTROL_LENGTH) >> 2] = CONTROL_ROOM;
  const start = CONTROLS + message * CONTROL_ROOM;
  const found = family === 4 ? inetSource(words, start, used) : inet6Source(octets, words, start, used);
  const length = family === 4 ? INET_SOURCE_LENGTH : INET6_SOURCE_LENGTH;
  words[(header + CONTROL_LENGTH) >> 2] = found < 0 ? 0 : length;
  put64(words, header + CONTROL, found < 0 ? 0 : address + found);
}

/** The sender's address, the length of the control messages, and these. */
function holdPeer({ octets, words }: Memory, message: number, wildcard: boolean): Uint8Array {
  const peer = octets.subarray(PEERS + message * PEER, PEERS + (message + 1) * PEER);
  if (!wildcard) return new Uint8Array(peer);
  const held = new Uint8Array(HELD_CONTROL + CONTROL_ROOM);
  held.set(peer);
  held[HELD_LENGTH] = words[(RX + message * HEADER + CONTROL_LENGTH) >> 2]!;
  const control = CONTROLS + message * CONTROL_ROOM;
  held.set(octets.subarray(control, control + CONTROL_ROOM), HELD_CONTROL);
  return held;
}

/** Puts the copy that holdPeer() made into the place of message 0. */
function restorePeer({ octets, words }: Memory, held: Uint8Array): void {
  octets.set(held.subarray(0, PEER), PEERS);
  if (held.length <= HELD_CONTROL) return;
  words[(RX + CONTROL_LENGTH) >> 2] = held[HELD_LENGTH]!;
  octets.set(held.subarray(HELD_CONTROL), CONTROLS);
}

/** Writes a whole number below 2^53 as 64 bits. */
function put64(words: Int32Array, at: number, value: number): void {
  words[at >> 2] = value;
  words[(at >> 2) + 1] = value / WORD;
}

/** Whether the address at `at` is IPv4-mapped: an IPv6 socket that was handed over may take IPv4 too. */
function isMapped(words: Int32Array, at: number): boolean {
  const word = at >> 2;
  return words[word] === 0 && words[word + 1] === 0 && words[word + 2] === MAPPED_WORD;
}
