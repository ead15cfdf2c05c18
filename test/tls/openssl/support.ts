/** TLS without sockets: node:tls as the client, over a stream in memory, and the engine as the server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { addressOf } from '../../../src/native/memory.js';
import { createTlsEngine, type TlsEngine } from '../../../src/tls/openssl/engine.js';
import type { PointerTable } from '../../../src/tls/openssl/pointers.js';
import { TlsRead } from '../../../src/tls/openssl/turn.js';
import type { TlsSettings } from '../../../src/tls/tls-context.js';
import { type Made, make } from '../support.js';

/** Octets that are given to the engine at once, as a server reads them from a socket. */
const READ = 32_768;

export type Named = Made & { readonly keyType: string; readonly names: readonly string[] };

export async function named(keyType: string, made: Promise<Made>, ...names: string[]): Promise<Named> {
  return { ...(await made), keyType, names };
}

/** Settings with one certificate on P-256. */
export async function settingsWith(changes: Partial<TlsSettings> = {}): Promise<TlsSettings> {
  const certificates = changes.certificates ?? [await named('ec', make(), 'ns.test')];
  return { ticketKey: randomBytes(48), sessionTimeout: 3600, ...changes, certificates };
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
  async visit(options: ConnectionOptions = {}, piece = READ): Promise<Visit> {
    using dialled = this.connect(options, piece);
    const { client, connection } = dialled;
    const failed = once(client, 'close').then(() => {
      throw dialled.error ?? new Error('closed');
    });
    await Promise.race([once(client, 'secureConnect'), failed]);
    client.write('hello');
    const [back] = (await Promise.race([once(client, 'data'), failed])) as [Buffer];
    failed.catch(() => {});
    return {
      back: back.toString(),
      version: client.getProtocol() ?? '',
      cipher: client.getCipher().name,
      alpn: client.alpnProtocol,
      names: client.getPeerCertificate().subjectaltname ?? '',
      group: client.getEphemeralKeyInfo() as { name?: string; type?: string },
      resumed: client.isSessionReused(),
      session: dialled.session,
      served: this.engine.describe(connection.handle),
    };
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

interface Visit {
  readonly back: string;
  readonly version: string;
  readonly cipher: string;
  readonly alpn: string | false | null;
  readonly names: string;
  readonly group: { readonly name?: string; readonly type?: string };
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
  readonly served: ReturnType<TlsEngine['describe']>;
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
