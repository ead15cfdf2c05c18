/** A DNS stream under a test's control, octet by octet: plain TCP first, TLS when the test says so. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { buildQuery, decodeMessage, type Message, type Query } from '../support/message.js';
import { PATIENCE } from '../support/patience.js';
import { framed } from '../support/responder.js';

/** The flag of the draft, which is also CO of RFC 9824. */
export const TO = 0x4000;

export const DUMMY: Query = { name: 'STARTTLS.', class: 'CH', type: 'TXT', edns: { flags: TO } };

/** A query for A in zones/. */
export function ask(name: string, flags = 0): Query {
  return { name: `${name}.`, edns: { flags } };
}

export class Wire<Stream extends Socket = Socket> implements Disposable {
  readonly stream: Stream;
  /** Octets that came and belong to no message that was read. */
  received: Buffer = Buffer.alloc(0);
  /** How the stream ended: `end`, or the code of an error. */
  ended: string | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Stream) {
    this.stream = stream;
    stream.on('data', (octets: Buffer) => {
      this.received = Buffer.concat([this.received, octets]);
      this.#wake?.();
    });
    const end = (how: string): void => {
      this.ended ??= how;
      this.#wake?.();
    };
    stream.on('end', () => end('end'));
    stream.on('close', () => end('close'));
    stream.on('error', (error) => end('code' in error ? String(error.code) : error.message));
  }

  /** Connects to a port of 127.0.0.1. */
  static async connect(port: number): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const wire = new Wire(socket);
    await wire.until(() => !socket.connecting || wire.ended !== undefined);
    return wire;
  }

  /** Connects to a port of 127.0.0.1 with TLS from the first octet on. */
  static async connectTls(port: number, options: ConnectionOptions = {}): Promise<Wire<TLSSocket>> {
    return handshaken(tlsConnect({ port, host: '127.0.0.1', ...TLS_OPTIONS, ...options }));
  }

  /** Sends queries in one write. */
  send(...queries: readonly Query[]): void {
    this.stream.write(framed(...queries.map(buildQuery)));
  }

  /** The next message. */
  async message(): Promise<Message> {
    const whole = (): boolean => this.received.length >= 2 && this.received.length >= 2 + this.received.readUInt16BE(0);
    await this.until(() => whole() || this.ended !== undefined);
    if (!whole()) throw new Error(`no message: ${this.ended}, ${this.received.toString('hex')}`);
    const end = 2 + this.received.readUInt16BE(0);
    const octets = this.received.subarray(2, end);
    this.received = this.received.subarray(end);
    return decodeMessage(octets);
  }

  async ask(query: Query): Promise<Message> {
    this.send(query);
    return this.message();
  }

  /** Begins a handshake over this stream, which TLS owns from then on. No SNI, and no ALPN unless it is among the options. */
  async startTls(options: ConnectionOptions = {}): Promise<Wire<TLSSocket>> {
    this.stream.removeAllListeners('data').removeAllListeners('end');
    return handshaken(tlsConnect({ socket: this.stream, rejectUnauthorized: false, ...options }));
  }

  /** Waits until the peer has closed, and says how. */
  async closed(): Promise<string> {
    await this.until(() => this.ended !== undefined);
    return this.ended ?? '';
  }

  /** Waits until `what` is true, at most for PATIENCE. */
  async until(what: () => boolean): Promise<void> {
    const timer = setTimeout(() => this.#wake?.(), PATIENCE);
    const end = Date.now() + PATIENCE;
    while (!what()) {
      if (Date.now() >= end) throw new Error(`nothing came in time; received ${this.received.toString('hex')}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.stream.once('connect', resolve);
      });
    }
    clearTimeout(timer);
  }

  [Symbol.dispose](): void {
    this.stream.destroy();
  }
}

const TLS_OPTIONS: ConnectionOptions = { rejectUnauthorized: false, ALPNProtocols: ['dot'] };

async function handshaken(socket: TLSSocket): Promise<Wire<TLSSocket>> {
  const wire = new Wire(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed in the handshake')));
  });
  return wire;
}

/** Whether a response has the TO bit; undefined: it has no OPT record. */
export function toBit(message: Message): boolean | undefined {
  return message.edns === undefined ? undefined : (message.edns.flags & TO) !== 0;
}
