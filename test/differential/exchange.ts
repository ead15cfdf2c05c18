/** Asks one server many questions at once: over one connected UDP socket and one TCP connection, matched by message ID. */
import { createSocket, type Socket } from 'node:dgram';
import { createConnection, type Socket as TcpSocket } from 'node:net';
import type { Peer } from '../support/peers/server.js';

/** Milliseconds without an answer before a question is sent again, and how often it is sent in all. */
const RESEND_AFTER = 1500;
const ATTEMPTS = 5;

interface Pending {
  readonly message: Buffer;
  readonly tcp: boolean;
  resolve(response: Uint8Array): void;
  reject(error: Error): void;
  sentAt: number;
  attempts: number;
}

/** Something that answers questions: a server, or an engine in this process. */
export interface Asked {
  readonly name: string;
  /** Resolves with the response to the message, whatever its ID. Rejects when none comes after several attempts. */
  ask(query: Uint8Array, tcp: boolean): Promise<Uint8Array>;
}

/** A server that is started again when it stops answering, as a peer with a bug may; the question then stays open. */
export class Restarting implements Asked {
  readonly name: string;
  restarts = 0;
  readonly #start: () => Promise<Peer>;
  #peer: Peer;
  #exchange: Exchange;
  #restarting: Promise<void> | undefined;

  private constructor(start: () => Promise<Peer>, peer: Peer, exchange: Exchange) {
    this.#start = start;
    this.#peer = peer;
    this.#exchange = exchange;
    this.name = peer.name;
  }

  static async open(start: () => Promise<Peer>): Promise<Restarting> {
    const peer = await start();
    return new Restarting(start, peer, await Exchange.open(peer));
  }

  async ask(query: Uint8Array, tcp: boolean): Promise<Uint8Array> {
    await this.#restarting;
    try {
      return await this.#exchange.ask(query, tcp);
    } catch (error) {
      this.#restarting ??= this.#restart();
      await this.#restarting;
      throw error;
    }
  }

  log(): string {
    return this.#peer.log();
  }

  async stop(): Promise<void> {
    this.#exchange.close();
    await this.#peer.stop();
  }

  async #restart(): Promise<void> {
    this.restarts++;
    await this.stop();
    this.#peer = await this.#start();
    this.#exchange = await Exchange.open(this.#peer);
    this.#restarting = undefined;
  }
}

export class Exchange implements Asked {
  readonly name: string;
  readonly #address: string;
  readonly #port: number;
  readonly #udp: Socket;
  #tcp: TcpSocket | undefined;
  #received = Buffer.alloc(0);
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  readonly #timer: NodeJS.Timeout;

  private constructor(name: string, address: string, port: number, udp: Socket) {
    this.name = name;
    this.#address = address;
    this.#port = port;
    this.#udp = udp;
    udp.on('message', (message) => this.#take(message));
    udp.on('error', () => {}); // A lost message is sent again.
    this.#timer = setInterval(() => this.#resend(), 250);
  }

  static async open(server: { name: string; address: string; port: number }): Promise<Exchange> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 1 << 20 });
    await new Promise<void>((resolve) => socket.connect(server.port, server.address, resolve));
    return new Exchange(server.name, server.address, server.port, socket);
  }

  ask(query: Uint8Array, tcp: boolean): Promise<Uint8Array> {
    const id = this.#freeId();
    const message = Buffer.from(query);
    message.writeUInt16BE(id, 0);
    return new Promise((resolve, reject) => {
      const pending: Pending = { message, tcp, resolve, reject, sentAt: Date.now(), attempts: 1 };
      this.#pending.set(id, pending);
      this.#send(pending);
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#udp.close();
    this.#tcp?.destroy();
    for (const pending of this.#pending.values()) pending.reject(new Error(`${this.name} was closed`));
    this.#pending.clear();
  }

  #freeId(): number {
    for (;;) {
      const id = this.#nextId;
      this.#nextId = (id + 1) & 0xffff;
      if (!this.#pending.has(id)) return id;
    }
  }

  #send(pending: Pending): void {
    if (!pending.tcp) {
      this.#udp.send(pending.message);
      return;
    }
    const framed = Buffer.alloc(2 + pending.message.length);
    framed.writeUInt16BE(pending.message.length, 0);
    framed.set(pending.message, 2);
    this.#stream().write(framed);
  }

  #stream(): TcpSocket {
    if (this.#tcp !== undefined && !this.#tcp.destroyed && this.#tcp.writable) return this.#tcp;
    const socket = createConnection({ host: this.#address, port: this.#port, noDelay: true });
    this.#received = Buffer.alloc(0);
    socket.on('error', () => {}); // A lost message is sent again.
    socket.on('data', (chunk) => {
      if (this.#tcp !== socket) return;
      this.#received = Buffer.concat([this.#received, chunk]);
      while (this.#received.length >= 2) {
        const length = this.#received.readUInt16BE(0);
        if (this.#received.length < 2 + length) break;
        this.#take(this.#received.subarray(2, 2 + length));
        this.#received = this.#received.subarray(2 + length);
      }
    });
    this.#tcp = socket;
    return socket;
  }

  #take(message: Buffer): void {
    if (message.length < 12) return;
    const id = message.readUInt16BE(0);
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    pending.resolve(message);
  }

  #resend(): void {
    const now = Date.now();
    for (const [id, pending] of this.#pending) {
      if (now - pending.sentAt < RESEND_AFTER) continue;
      if (pending.attempts >= ATTEMPTS) {
        this.#pending.delete(id);
        pending.reject(
          new Error(
            `${this.name} does not answer ${pending.message.toString('hex')} over ${pending.tcp ? 'TCP' : 'UDP'}`,
          ),
        );
        continue;
      }
      pending.attempts++;
      pending.sentAt = now;
      this.#send(pending);
    }
  }
}
