/** Clients of stream sessions, made to be many: little state, one shared TLS context. */
import { connect, type Socket } from 'node:net';
import { createSecureContext, connect as tlsConnect } from 'node:tls';
import { buildQuery } from '../support/message.js';
import { PATIENCE } from '../support/patience.js';

export type SessionKind = 'tcp' | 'starttls' | 'tls';

export interface Ports {
  readonly port: number;
  readonly tlsPort: number;
}

export interface ClientOptions {
  /** The address to come from. */
  readonly from?: string;
  /** A TLS session to resume. */
  readonly session?: Buffer | undefined;
}

const TLS = { rejectUnauthorized: false, secureContext: createSecureContext() } as const;

/** The TO bit of draft-ietf-dprive-start-tls-for-dns. */
const TO = 0x4000;
const DUMMY = framed(buildQuery({ name: 'STARTTLS.', type: 'TXT', class: 'CH', edns: { flags: TO } }));

/** A message with its length in front. */
export function framed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);
}

/** An address of 127.0.0.0/8 for the client with this number; 200 clients share one. */
export function sourceAddress(number: number): string {
  const host = Math.floor(number / 200);
  return `127.1.${(host >> 8) & 255}.${(host & 255) + 1}`;
}

export class Client {
  readonly kind: SessionKind;
  /** The source of the peer's octets: the connection, or TLS over it. */
  readonly socket: Socket;
  /** The latest ticket that can be resumed. */
  session: Buffer | undefined;
  resumed = false;
  /** Whether the server has closed its direction, and whether the connection was reset. */
  ended = false;
  broken = false;
  /** Octets that have come. */
  octets = 0;
  /** Whole messages that have come. */
  messages = 0;
  /** Called for every message. */
  onMessage: (() => void) | undefined;
  #head = 0;
  #headOctets = 0;
  #left = 0;

  constructor(kind: SessionKind, socket: Socket) {
    this.kind = kind;
    this.socket = socket;
    socket.on('data', (octets: Buffer) => this.#take(octets));
    socket.on('end', () => {
      this.ended = true;
      socket.end();
    });
    socket.on('error', () => {
      this.broken = true;
    });
    // TLS 1.3 sends tickets after the handshake.
    socket.on('session', (session: Buffer) => {
      this.session = session;
    });
  }

  /** Sends a framed message (or several), and waits for `count` answers. */
  ask(octets: Uint8Array, count = 1): Promise<void> {
    const until = this.messages + count;
    return new Promise((resolve, reject) => {
      const done = (error?: Error): void => {
        clearTimeout(timer);
        this.onMessage = undefined;
        this.socket.off('close', closed);
        if (error) reject(error);
        else resolve();
      };
      const closed = (): void => done(new Error(`${this.kind}: closed before the answer`));
      const timer = setTimeout(() => done(new Error(`${this.kind}: no answer in ${PATIENCE} ms`)), PATIENCE);
      this.socket.on('close', closed);
      this.onMessage = () => {
        if (this.messages >= until) done();
      };
      this.socket.write(octets);
    });
  }

  /** Closes, and waits until the connection is gone. */
  close(): Promise<void> {
    if (this.socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.socket.once('close', () => resolve());
      this.socket.end();
    });
  }

  /** Counts messages without keeping them. */
  #take(octets: Buffer): void {
    this.octets += octets.length;
    for (let at = 0; at < octets.length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, octets.length - at);
        this.#left -= step;
        at += step;
      } else {
        this.#head = (this.#head << 8) | (octets[at++] ?? 0);
        if (++this.#headOctets < 2) continue;
        this.#left = this.#head;
        this.#head = 0;
        this.#headOctets = 0;
      }
      if (this.#left === 0 && this.#headOctets === 0) {
        this.messages++;
        this.onMessage?.();
      }
    }
  }
}

/** A connection; rejects when it is refused or takes too long. */
export function connection(port: number, from?: string): Promise<Socket> {
  return settled((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...(from && { localAddress: from }) });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    return () => socket.destroy();
  });
}

/** A session that is up: connected, and upgraded where it is to be. */
export async function openClient(kind: SessionKind, ports: Ports, options: ClientOptions = {}): Promise<Client> {
  const raw = await connection(kind === 'tls' ? ports.tlsPort : ports.port, options.from);
  if (kind === 'tcp') return new Client(kind, raw);
  if (kind === 'starttls') await dummy(raw);
  return settled((resolve, reject) => {
    const socket = tlsConnect({ ...TLS, socket: raw, ALPNProtocols: ['dot'], session: options.session });
    const client = new Client(kind, socket);
    const closed = (): void => reject(new Error('closed before the handshake was complete'));
    socket.once('error', reject).once('close', closed);
    socket.once('secureConnect', () => {
      client.resumed = socket.isSessionReused();
      socket.off('error', reject).off('close', closed);
      resolve(client);
    });
    return () => socket.destroy();
  });
}

/** Asks for the upgrade, and takes the answer off the connection. */
function dummy(raw: Socket): Promise<void> {
  return settled((resolve, reject) => {
    let come = Buffer.alloc(0);
    const closed = (): void => reject(new Error('closed before the upgrade'));
    const take = (octets: Buffer): void => {
      come = Buffer.concat([come, octets]);
      if (come.length < 2 || come.length < 2 + come.readUInt16BE(0)) return;
      raw.off('data', take).off('close', closed).off('error', reject).pause();
      resolve();
    };
    raw.on('data', take).once('close', closed).once('error', reject).write(DUMMY);
    return () => raw.destroy();
  });
}

/** A Promise that rejects after PATIENCE; then it calls the function that `start` returned. */
function settled<T>(start: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let give = (): void => {};
    const timer = setTimeout(() => {
      give();
      reject(new Error(`nothing within ${PATIENCE} ms`));
    }, PATIENCE);
    give = start(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        give();
        reject(error);
      },
    );
  });
}
