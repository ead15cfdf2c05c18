/**
 * Tests whether the engine works on this machine: node:tls, as the client, makes two connections in memory, the second by a ticket of
 * the first. If something is not as it should be, the server takes the portable path.
 */
import { getFips } from 'node:crypto';
import { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { messageOf } from '../../errors.js';
import { addressOf } from '../../native/memory.js';
import { ALPN_DOT } from '../offered.js';
import type { TlsSettings } from '../tls-context.js';
import { createTlsEngine, type TlsEngine } from './engine.js';
import { type OpenSsl, openSsl } from './functions.js';
import { OPENSSL_MAJOR, OPENSSL_VERSION } from './numbers.js';
import { TlsRead } from './turn.js';

/** Milliseconds after which it has failed. All happens in this thread, which may be busy with a start. */
const LOST = 1000;
const MESSAGE = Buffer.from('one message, and the same one back');
const ROOM = 65_536;

/** The properties of a build of node, and of its start, that the engine depends on. */
interface NodeBuild {
  /** Of the OpenSSL that it was built with. */
  readonly version: string;
  /** Whether it has no OpenSSL of its own. */
  readonly shared: boolean;
  readonly fips: boolean;
}

function thisNode(): NodeBuild {
  const { node_shared_openssl: shared } = process.config.variables as { node_shared_openssl?: boolean | string };
  return {
    version: process.versions.openssl ?? 'unknown',
    shared: shared === true || shared === 'true',
    fips: getFips() !== 0,
  };
}

/**
 * Why TLS cannot be served by the engine here, in words that follow "because"; undefined when it can. Takes some 10 ms. `library` and
 * `node`: others in tests.
 */
export async function tlsSelfTest(
  settings: TlsSettings,
  library: OpenSsl | string = openSsl(),
  node: NodeBuild = thisNode(),
): Promise<string | undefined> {
  if (typeof library === 'string') return library;
  const wrong = wrongLibrary(library, node);
  if (wrong !== undefined) return wrong;
  const engine = createTlsEngine(settings, undefined, undefined, library);
  if (typeof engine === 'string') return engine;
  try {
    const first = await exchange(engine, library, undefined);
    if (typeof first === 'string') return first;
    const second = await exchange(engine, library, first.session);
    if (typeof second === 'string') return second;
    if (first.resumed || !second.resumed) return 'a session was not resumed by its ticket';
    const { open, refused, leftovers, callbackMistakes } = engine.counts;
    if (open + refused + leftovers + callbackMistakes > 0) return 'a connection left something behind';
    return undefined;
  } catch (error) {
    return `the self-test failed: ${messageOf(error)}`;
  } finally {
    engine.close();
  }
}

/** How the library differs from the one that this was written for; undefined: it does not. */
function wrongLibrary(library: OpenSsl, { version, shared, fips }: NodeBuild): string | undefined {
  if (Number.parseInt(version, 10) !== OPENSSL_MAJOR) {
    return `node has OpenSSL ${version}; expected version ${OPENSSL_MAJOR}`;
  }
  if (shared) return 'this build of node uses the OpenSSL of the system; expected one of its own';
  const [, found = 'unknown'] = (library.OpenSSL_version(OPENSSL_VERSION) ?? '').split(' ');
  if (found !== version) return `another OpenSSL is in the process too: ${found}, beside ${version} of node`;
  // Tickets need algorithms that may be missing there. Nobody has tried.
  return fips ? 'OpenSSL is in FIPS mode' : undefined;
}

/** The result of a connection. */
interface Exchanged {
  readonly resumed: boolean;
  readonly session: Buffer;
}

/** One connection: a handshake, a message each way, close_notify. Returns the mistake, if there is one, as text. */
function exchange(engine: TlsEngine, library: OpenSsl, ticket: Buffer | undefined): Promise<Exchanged | string> {
  const handle = engine.open();
  if (handle < 0) return Promise.resolve('no connection can be made');
  let close = (): void => {};
  return new Promise<Exchanged | string>((resolve) => {
    const timer = setTimeout(() => resolve('a connection came to nothing'), LOST);
    const done = (result: Exchanged | string): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const stream = serverStream(engine, library, handle, done);
    const options = { rejectUnauthorized: false, ALPNProtocols: [ALPN_DOT], ...(ticket && { session: ticket }) };
    const client = connect({ socket: stream, ...options });
    close = () => {
      client.destroy();
      stream.destroy();
    };
    client.on('error', (error) => done(`a client failed: ${error.message}`));
    client.once('close', () => done('a connection was closed early'));
    client.once('secureConnect', () => client.write(MESSAGE));
    const session = sessionOf(client);
    client.once('data', (octets) => {
      if (!octets.equals(MESSAGE)) done('a message came back garbled');
    });
    client.once('end', () => {
      const ticketed = session();
      if (client.alpnProtocol !== ALPN_DOT) done('the protocol was not agreed on');
      else if (ticketed === undefined) done('no ticket came');
      else done({ resumed: client.isSessionReused(), session: ticketed });
    });
  }).finally(() => {
    close();
    engine.free(handle);
  });
}

/** The session that a client has got; undefined until then. */
function sessionOf(client: TLSSocket): () => Buffer | undefined {
  let session: Buffer | undefined;
  client.on('session', (ticket) => {
    session = ticket;
  });
  return () => session;
}

/**
 * The stream that the client has for a socket. The server behind it sends one message back, then close_notify; `failed` gets the mistakes.
 */
function serverStream(engine: TlsEngine, library: OpenSsl, handle: number, failed: (why: string) => void): Duplex {
  const octets = new Uint8Array(new SharedArrayBuffer(ROOM));
  const address = addressOf(octets, octets);
  const turn = (length: number): void => {
    if (!engine.begin(handle, address, length)) failed('octets were refused');
    let found: number;
    while ((found = engine.read(handle)) > 0 || found === TlsRead.SECURED) {
      if (found <= 0) continue;
      octets.set(engine.plaintext.subarray(0, found));
      if (!engine.write(handle, address, found) || !engine.closeNotify(handle)) failed('a message was not sealed');
    }
    if (found === TlsRead.FAILED) failed(`a connection failed: ${engine.failure}`);
    for (let taken = engine.output(handle); taken > 0; taken = engine.output(handle)) {
      stream.push(Buffer.from(engine.outgoing.subarray(0, taken)));
    }
    if (!engine.finish(handle)) failed('a turn left octets');
    if (library.ERR_peek_error() !== 0) failed('OpenSSL reports an error where there is none');
  };
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      octets.set(chunk.subarray(0, ROOM));
      turn(Math.min(chunk.length, ROOM));
      done();
    },
  });
  return stream;
}
