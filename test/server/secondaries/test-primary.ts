/** A primary of the tests' own: serves versions of zones over TCP or TLS, and can do it wrong. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { diff } from '../../../src/image/changes/diff.js';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { ixfrRecords, messageOf, type Records, zoneRecords } from '../../transfer/in/transfer-messages.js';

const SOA = 6;
const IXFR = 251;

/** A question as it came. */
export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  /** IXFR: from which serial. */
  readonly serial: number | undefined;
  readonly message: Uint8Array;
}

/** What is sent for a question: messages, or octets as they are; `close`: the connection is closed behind it. */
export interface Sent {
  readonly messages: readonly Uint8Array[];
  readonly close?: boolean;
}

export class TestPrimary {
  /** Versions of each zone by its name, the oldest first. */
  readonly zones = new Map<string, Uint8Array[]>();
  readonly asked: Asked[] = [];
  /** Takes the place of what is sent; undefined: the answer is right. */
  instead: ((asked: Asked) => Sent | 'silence' | undefined) | undefined;
  /** Without it, IXFR is answered with the whole zone. */
  hasIxfr = true;
  perMessage = 50;
  connections = 0;
  mostConnections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(tls?: TlsOptions) {
    const serve = (socket: Socket): void => this.#serve(socket);
    this.#server = tls === undefined ? createServer(serve) : createTlsServer({ ALPNProtocols: ['dot'], ...tls }, serve);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  count(type: number): number {
    return this.asked.filter((one) => one.type === type).length;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    this.connections++;
    this.mostConnections = Math.max(this.mostConnections, this.#sockets.size);
    let pending = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const length = pending.readUInt16BE(0);
        this.#answer(socket, Uint8Array.from(pending.subarray(2, 2 + length)));
        pending = pending.subarray(2 + length);
      }
    });
  }

  #answer(socket: Socket, message: Uint8Array): void {
    const octets = Buffer.from(message);
    let end = 12;
    while (octets[end] !== 0) end += octets[end]! + 1;
    const type = octets.readUInt16BE(end + 1);
    const serial = type === IXFR ? octets.readUInt32BE(end + 5 + 14) : undefined;
    const name = nameToText(message, 12).toLowerCase();
    const asked: Asked = { id: octets.readUInt16BE(0), name, type, serial, message };
    this.asked.push(asked);
    const sent = this.instead?.(asked) ?? { messages: this.answer(asked) };
    if (sent === 'silence') return;
    const framed = sent.messages.map((one) => Buffer.concat([Buffer.from([one.length >> 8, one.length & 255]), one]));
    socket.write(Buffer.concat(framed));
    if (sent.close === true) socket.end();
  }

  /** The right answer. */
  answer({ id, name, type, serial }: Asked): Uint8Array[] {
    const versions = this.zones.get(name);
    const shape = { id, question: type, name };
    if (versions === undefined) return [messageOf([], { ...shape, flags: 0x8005 })];
    const newest = zoneRecords(versions.at(-1)!);
    if (type === SOA) return [messageOf(newest.slice(0, 1), shape)];
    return this.cut(this.#transfer(versions, newest, type, serial), asked(id, name, type));
  }

  #transfer(versions: readonly Uint8Array[], newest: Records, type: number, serial: number | undefined): Records {
    const whole = [...newest, newest[0]!];
    if (type !== IXFR || !this.hasIxfr) return whole;
    const from = versions.findIndex((image) => serialOf(image) === serial);
    if (from < 0) return whole;
    if (from === versions.length - 1) return newest.slice(0, 1);
    return ixfrRecords(versions.slice(from + 1).map((image, i) => diff(versions[from + i]!, image)));
  }

  /** Messages of `perMessage` records each. */
  cut(records: Records, { id, name, type }: Pick<Asked, 'id' | 'name' | 'type'>): Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (let at = 0; at < records.length; at += this.perMessage)
      messages.push(messageOf(records.slice(at, at + this.perMessage), { id, question: type, name }));
    return messages;
  }
}

const asked = (id: number, name: string, type: number): Pick<Asked, 'id' | 'name' | 'type'> => ({ id, name, type });

/** The serial of a zone's image. */
export function serialOf(image: Uint8Array): number {
  const [soa] = zoneRecords(image);
  return Buffer.from(soa!).readUInt32BE(soa!.length - 20);
}

/** A zone's name in wire format. */
export const wireName = (name: string): Uint8Array => nameFromText(name);
