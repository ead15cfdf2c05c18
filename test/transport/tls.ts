/** TLS clients, and what stands between them and a listener under test. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, type SecureVersion, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { expect } from 'vitest';
import { UpgradeBit } from '../../src/answer/facts.js';
import { createTlsEngine } from '../../src/tls/openssl/engine.js';
import { TlsContexts, type TlsSettings } from '../../src/tls/tls-context.js';
import { listenTcp, listenTls } from '../../src/transport/stream.js';
import type { Listener, TlsOffer } from '../../src/transport/transport.js';
import { framed, message, unframed } from '../support/responder.js';
import { STREAMS } from '../support/streams-path.js';
import { make } from '../tls/support.js';
import { listenByEpoll } from './stream-paths.js';
import { type Change, context, type TestContext } from './support.js';

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/**
 * What TLS is made with on the server's side: a certificate of its own, and a ticket key. `byName`: as if another server name had another
 * certificate, so that the ClientHello is read before the TLS engine gets it.
 */
async function tlsOffer(byName: boolean): Promise<TlsOffer & Pick<TlsContexts, 'settings'>> {
  const certificate = { ...(await make({ names: ['ns.test'] })), keyType: 'ec', names: ['ns.test'] };
  const contexts = new TlsContexts({ certificates: [certificate], ticketKey: randomBytes(48), sessionTimeout: 3600 });
  return { byName, options: (name) => contexts.options(name), settings: contexts.settings };
}

export const only = (version: SecureVersion): ConnectionOptions => ({ minVersion: version, maxVersion: version });

/** `allowHalfOpen` is missing in the types of node:tls. */
type DialOptions = ConnectionOptions & { readonly allowHalfOpen?: boolean };

/** A TLS client over a connection of its own, or over `options.socket`; the handshake is complete. */
async function dialTls(port: number, options: DialOptions = {}): Promise<TLSSocket> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before the handshake was complete')));
  });
  return socket;
}

/** The first octets that a TLS client sends. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tlsConnect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [octets] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return octets;
}

/** A TLS record as it is seen on the way. */
interface TlsRecord {
  readonly type: number;
  /** Octets behind its header. */
  readonly length: number;
}

interface Relay extends AsyncDisposable {
  readonly port: number;
  /** What the server has sent, as records; of all connections. */
  records(): TlsRecord[];
  /** Connections on which the server's FIN has come. */
  readonly ends: number;
}

/**
 * Relays connections to `port`, and remembers what the server sends. `piece`: octets that go on in one go, in both
 * directions; without, whatever has come. FINs are passed on as they come.
 */
export async function relay(port: number, piece = Number.POSITIVE_INFINITY): Promise<Relay> {
  const sent: Buffer[] = [];
  const sockets: Socket[] = [];
  let ends = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    sockets.push(client, upstream);
    upstream.on('data', (octets: Buffer) => sent.push(octets));
    upstream.once('end', () => ends++);
    forward(client, upstream, piece);
    forward(upstream, client, piece);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    records: () => recordsOf(Buffer.concat(sent)),
    get ends() {
      return ends;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(from: Socket, to: Socket, piece: number): void {
  let last = Promise.resolve();
  const pass = async (octets: Buffer): Promise<void> => {
    for (let at = 0; at < octets.length; at += piece) {
      to.write(octets.subarray(at, Math.min(octets.length, at + piece)));
      if (piece < octets.length) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  from.on('error', () => to.destroy());
  from.on('data', (octets: Buffer) => {
    last = last.then(() => pass(octets));
  });
  from.on('end', () => {
    last = last.then(() => void to.end());
  });
}

function recordsOf(stream: Buffer): TlsRecord[] {
  const records: TlsRecord[] = [];
  for (let at = 0; at + 5 <= stream.length; at += 5 + stream.readUInt16BE(at + 3)) {
    records.push({ type: stream.readUInt8(at), length: stream.readUInt16BE(at + 3) });
  }
  return records;
}

const ALERT = 21;
const APPLICATION_DATA = 23;
/** Octets that sealing with AES-GCM adds to a record: an explicit nonce and a tag, or the true type and a tag. */
const SEAL = { 'TLSv1.2': 24, 'TLSv1.3': 17 } as const;
/** An alert inside of a TLS 1.3 record: two octets, the true type, and the tag. */
const SEALED_ALERT = 19;

/** Whether a record is an alert, as far as that can be seen from outside. */
export function isAlert({ type, length }: TlsRecord, version: string): boolean {
  return version === 'TLSv1.2' ? type === ALERT : type === APPLICATION_DATA && length === SEALED_ALERT;
}

/** Octets of the text in a record of application data. */
export function textLength({ type, length }: TlsRecord, version: keyof typeof SEAL): number {
  if (type !== APPLICATION_DATA) throw new Error(`found a record of type ${type}, expected application data`);
  return length - SEAL[version];
}

/** What a listener is given in place of what it has otherwise. */
type ServedChange = Omit<Change, 'tls'> & { readonly tls?: TlsOffer & Pick<TlsContexts, 'settings'> };

/** Listens on the path that is under test. */
async function listenOn(shared: TestContext, secure: boolean, settings: TlsSettings): Promise<Listener> {
  const endpoint = { address: '127.0.0.1', port: 0 };
  if (STREAMS === 'node') return (secure ? listenTls : listenTcp)(endpoint, shared);
  const tls = createTlsEngine(settings);
  if (typeof tls === 'string') throw new Error(tls);
  const listener = listenByEpoll(endpoint, shared, { tls }, secure);
  return {
    ...listener,
    async close() {
      await listener.close();
      const { open, ...mistakes } = tls.counts;
      tls.close();
      expect([open, mistakes]).toEqual([0, { refused: 0, leftovers: 0, callbackMistakes: 0 }]);
    },
  };
}

/** Listeners with one certificate, and clients; `close` ends those that are there. */
export function tlsWorld(byName = false) {
  const open: Listener[] = [];
  const sockets: Socket[] = [];
  let offer: ReturnType<typeof tlsOffer> | undefined;

  async function serve({ tls, ...change }: ServedChange, secure: boolean) {
    offer ??= tlsOffer(byName);
    const offered = tls ?? (await offer);
    const shared = context({ tls: offered, ...change });
    const listener = await listenOn(shared, secure, offered.settings);
    open.push(listener);
    const count = (event: number): number => shared.events.filter((one) => one === event).length;
    return { listener, shared, port: listener.endpoint.port, count };
  }

  return {
    listen: (change: ServedChange = {}) => serve(change, true),

    /** A TCP listener that offers STARTTLS in its first answer, whatever the first message is. */
    async listenUpgrading(change: ServedChange = {}) {
      const settings = { upgradeBit: UpgradeBit.IF_ASKED, ...change.settings };
      const served = await serve({ ...change, settings }, false);
      served.shared.responder.outcome.upgrade = 1;
      return served;
    },

    async dial(port: number, options?: DialOptions): Promise<TLSSocket> {
      const socket = await dialTls(port, options);
      sockets.push(socket);
      return socket;
    },

    async dialTcp(port: number): Promise<Socket> {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      sockets.push(socket);
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },

    async close(): Promise<void> {
      for (const socket of sockets.splice(0)) socket.destroy();
      for (const listener of open.splice(0)) await listener.close();
    },
  };
}

/** Everything that comes until the peer closes. */
export async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()));
  return Buffer.concat(chunks);
}

/** What comes, until it is at least so many octets. */
export function first(socket: Socket, octets: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let come = 0;
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error(`closed after ${come} of ${octets} octets`));
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      come += chunk.length;
      if (come < octets) return;
      socket.off('data', take).off('close', closed);
      resolve(Buffer.concat(chunks));
    };
    socket.on('data', take).on('close', closed);
  });
}

/**
 * The IDs of `count` messages, read as getdns and stubby read: one message whenever the socket becomes readable. What the record has
 * behind that message stays in the TLS library, and nothing tells them of it: they wait for the next record. node:tls emits 'data'
 * for each record.
 */
export function oneAnEvent(socket: TLSSocket, count: number): Promise<number[]> {
  const found: number[] = [];
  let left = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error(`closed after ${found.length} of ${count} messages`)));
    socket.on('data', (octets: Buffer) => {
      left = Buffer.concat([left, octets]);
      const end = left.length < 2 ? Number.POSITIVE_INFINITY : 2 + left.readUInt16BE(0);
      if (left.length < end) return;
      found.push(left.readUInt16BE(2));
      left = left.subarray(end);
      if (found.length === count) resolve(found);
    });
  });
}

/** IDs of the messages of a whole stream. */
export const ids = (stream: Uint8Array): number[] => unframed(stream).map((m) => m.readUInt16BE(0));

/** 0 … count − 1. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Asks for one answer, so that everything before it has arrived on both sides. */
export async function ask(socket: Socket, id = 1): Promise<number[]> {
  socket.write(framed(message(id)));
  return ids(await first(socket, 22));
}
