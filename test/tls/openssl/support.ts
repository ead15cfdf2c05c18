/** TLS without sockets: node:tls as the client, over a stream in memory, and the engine as the server. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import { CertificateAuthority } from '../../../src/fixture/tls/certificate-authority.js';
import { addressOf } from '../../../src/native/memory.js';
import type { Certificate } from '../../../src/tls/certificates.js';
import { createTlsEngine, type TlsEngine } from '../../../src/tls/openssl/engine.js';
import type { PointerTable } from '../../../src/tls/openssl/pointers.js';
import { TlsRead } from '../../../src/tls/openssl/turn.js';
import { TlsContexts, type TlsSettings } from '../../../src/tls/tls-context.js';

/** Octets that are given to the engine at once, as a server reads them from a socket. */
const READ = 32_768;

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

export const only = (version: (typeof VERSIONS)[number]): ConnectionOptions => ({
  minVersion: version,
  maxVersion: version,
});

/** Kinds of keys that a server may have. */
export const KEYS: Readonly<Record<string, () => KeyObject>> = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'RSA-PSS': () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
  ed448: () => generateKeyPairSync('ed448').privateKey,
};

/** A certificate for these names, followed by that of its issuer. */
export function certified(kind: string, ...names: string[]): Certificate {
  const authority = new CertificateAuthority(KEYS[kind]?.());
  const certificate = authority.issue({ names });
  return { ...certificate, cert: certificate.cert + authority.ca };
}

/** Settings with one certificate on P-256, unless others are given. */
export function settingsWith(changes: Partial<TlsSettings> = {}): TlsSettings {
  return {
    certificates: [certified('P-256', 'ns.test')],
    ticketKey: randomBytes(48),
    sessionTimeout: 3600,
    ...changes,
  };
}

/** What the server does with plaintext; by default it sends it back. `write` gives each call a record. */
export type Answer = (octets: Buffer, connection: Served) => void;

/** A connection at the server. */
export interface Served {
  readonly handle: number;
  /** What has happened, in order: `secured`, `closed`, `failed ERR_…`, and the number of octets of each plaintext. */
  readonly events: (string | number)[];
  write(octets: Uint8Array): boolean;
  closeNotify(): boolean;
  /** Stops reading, until resume(). */
  pause(): void;
}

export class MemoryServer implements Disposable {
  readonly engine: TlsEngine;
  answer: Answer = (octets, connection) => void connection.write(octets);
  readonly #octets = new Uint8Array(new SharedArrayBuffer(65_537));
  readonly #address = addressOf(this.#octets, this);

  constructor(settings: TlsSettings, pointers?: PointerTable) {
    const engine = createTlsEngine(settings, pointers);
    if (typeof engine === 'string') throw new Error(engine);
    this.engine = engine;
  }

  /** A connection; `send` gets what goes to the client. */
  open(send: (octets: Buffer) => void): Connection {
    return new Connection(this, send, this.#octets, this.#address);
  }

  /** A client of node:tls, and its connection here; its octets come in pieces of at most `piece`. */
  connect(options: ConnectionOptions = {}, piece = READ): Dialled {
    let connection: Connection;
    const stream = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        for (let at = 0; at < chunk.length; at += piece) connection.receive(chunk.subarray(at, at + piece));
        done();
      },
      final: (done) => done(),
    });
    connection = this.open((octets) => void (stream.destroyed || stream.push(octets)));
    const client = connect({ socket: stream, rejectUnauthorized: false, ALPNProtocols: ['dot'], ...options });
    client.on('error', (error) => (dialled.error = error));
    let session: Buffer | undefined;
    client.on('session', (ticket) => (session = ticket));
    const dialled: Dialled = {
      client,
      stream,
      connection,
      error: undefined,
      get session() {
        return session;
      },
      [Symbol.dispose]() {
        client.destroy();
        stream.destroy();
        connection.free();
      },
    };
    return dialled;
  }

  /** Connects, has a message sent back, so that tickets have come, and says how it went. */
  async visit(options: ConnectionOptions = {}, piece = READ): Promise<Visit & { served: Described }> {
    using dialled = this.connect(options, piece);
    const seen = await talk(dialled.client);
    return { ...seen, served: this.engine.describe(dialled.connection.handle) };
  }

  [Symbol.dispose](): void {
    this.engine.close();
  }
}

export interface Dialled extends Disposable {
  readonly client: TLSSocket;
  readonly stream: Duplex;
  readonly connection: Connection;
  error: Error | undefined;
  readonly session: Buffer | undefined;
}

type Described = ReturnType<TlsEngine['describe']>;

/** What a client saw. */
export interface Visit {
  readonly back: string;
  readonly version: string;
  readonly cipher: string;
  readonly alpn: string | false | null;
  readonly names: string;
  readonly keyBits: number | undefined;
  /** Of the group that the key was agreed on with. */
  readonly group: string | undefined;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

/** Has a message sent back. Throws what the client fails with. */
async function talk(client: TLSSocket): Promise<Visit> {
  let session: Buffer | undefined;
  client.on('session', (ticket) => {
    session = ticket;
  });
  const failed = new Promise<never>((_, reject) => {
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
  failed.catch(() => {});
  await Promise.race([once(client, 'secureConnect'), failed]);
  client.write('hello');
  const [back] = (await Promise.race([once(client, 'data'), failed])) as [Buffer];
  const certificate = client.getPeerCertificate();
  return {
    back: back.toString(),
    version: client.getProtocol() ?? '',
    cipher: client.getCipher().name,
    alpn: client.alpnProtocol,
    names: certificate.subjectaltname ?? '',
    keyBits: certificate.bits,
    group: (client.getEphemeralKeyInfo() as { name?: string } | null)?.name,
    resumed: client.isSessionReused(),
    // With TLS 1.2 node tells of no ticket that replaces the one by which the session was resumed.
    session: client.getProtocol() === 'TLSv1.2' ? client.getSession() : session,
  };
}

/** The portable path, without sockets too: a client of node:tls, and a server of node:tls. */
export async function visitNode(settings: TlsSettings, options: ConnectionOptions = {}): Promise<Visit> {
  const [ours, theirs] = pair();
  const server = new TLSSocket(ours, new TlsContexts(settings).options(options.servername));
  let failure: unknown;
  server.on('error', (error) => (failure = error));
  server.on('data', (octets) => server.write(octets));
  const client = connect({ socket: theirs, rejectUnauthorized: false, ALPNProtocols: ['dot'], ...options });
  try {
    return await talk(client);
  } catch (error) {
    throw failure === undefined ? error : Object.assign(error as Error, { server: failure });
  } finally {
    client.destroy();
    server.destroy();
  }
}

/** Two ends of a connection in memory. */
function pair(): [Duplex, Duplex] {
  const end = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        other().push(chunk);
        done();
      },
    });
  const one: Duplex = end(() => two);
  const two: Duplex = end(() => one);
  return [one, two];
}

/** One connection of a MemoryServer; it turns as a server's loop would turn it. */
export class Connection implements Served {
  readonly handle: number;
  readonly events: (string | number)[] = [];
  readonly #server: MemoryServer;
  readonly #send: (octets: Buffer) => void;
  readonly #octets: Uint8Array;
  readonly #address: number;
  #paused = false;

  constructor(server: MemoryServer, send: (octets: Buffer) => void, octets: Uint8Array, address: number) {
    this.#server = server;
    this.#send = send;
    this.#octets = octets;
    this.#address = address;
    this.handle = server.engine.open();
  }

  /** A turn with octets of the network. */
  receive(octets: Uint8Array): boolean {
    this.#octets.set(octets);
    return this.turn(() => {}, octets.length);
  }

  pause(): void {
    this.#paused = true;
  }

  /** A turn that goes on with what was kept. */
  resume(): boolean {
    this.#paused = false;
    return this.turn(() => {});
  }

  /** A turn; `work` is done before octets are read. */
  turn(work: () => void, length = 0): boolean {
    const { engine } = this.#server;
    if (!engine.begin(this.handle, this.#address, length)) return false;
    work();
    while (!this.#paused) {
      const found = engine.read(this.handle);
      if (found > 0) {
        this.events.push(found);
        this.#server.answer(Buffer.from(engine.plaintext.subarray(0, found)), this);
      } else if (found === TlsRead.SECURED) this.events.push('secured');
      else {
        if (found === TlsRead.CLOSED) this.events.push('closed');
        if (found === TlsRead.FAILED) this.events.push(`failed ${engine.failure}`);
        break;
      }
    }
    for (let taken = engine.output(this.handle); taken > 0; taken = engine.output(this.handle)) {
      this.#send(Buffer.from(engine.outgoing.subarray(0, taken)));
    }
    return engine.finish(this.handle);
  }

  write(octets: Uint8Array): boolean {
    this.#octets.set(octets);
    return this.#server.engine.write(this.handle, this.#address, octets.length);
  }

  closeNotify(): boolean {
    return this.#server.engine.closeNotify(this.handle);
  }

  free(): void {
    this.#server.engine.free(this.handle);
  }
}
