/** Certificates, and servers and clients on loopback, made for one test. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import type { TlsContexts } from '../../src/tls/tls-context.js';
import { readServerName } from '../../src/transport/client-hello-reader.js';

export const DAY = 86_400_000;

/** A folder that is removed with all its files. */
export function temporaryFolder(): Disposable & {
  readonly path: string;
  put(name: string, text: string | Uint8Array): string;
} {
  const path = mkdtempSync(join(tmpdir(), 'adotd-'));
  return {
    path,
    put(name, text) {
      writeFileSync(join(path, name), text, { mode: 0o600 });
      return join(path, name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

export interface Made {
  readonly cert: string;
  readonly key: string;
}

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

export const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

interface MakeOptions {
  readonly names?: readonly string[];
  readonly key?: KeyObject;
  readonly from?: Date;
  readonly to?: Date;
  readonly issuer?: Made;
  readonly isIssuer?: boolean;
}

/** A certificate for `names`; the first is its common name. Signed by itself unless there is an issuer. */
export async function make(options: MakeOptions = {}): Promise<Made> {
  const { names = ['ns.test'], key = newKey(), from = new Date(Date.now() - DAY), issuer } = options;
  const { to = new Date(Date.now() + 90 * DAY), isIssuer = false } = options;
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  const { cert } = await generate([{ name: 'commonName', value: names[0] ?? 'none' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: from,
    notAfterDate: to,
    keyPair: { privateKey: pemOf(key), publicKey },
    ...(issuer && { ca: issuer }),
    extensions: [
      { name: 'basicConstraints', cA: isIssuer, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: isIssuer, critical: true },
      { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) },
    ],
  });
  return { cert: `${cert.trimEnd()}\n`, key: pemOf(key) };
}

/** A certificate with an RSA key of 2048 bits for one name. */
export async function makeRsa(name: string): Promise<Made> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  });
  return { cert, key };
}

interface Listening extends AsyncDisposable {
  readonly port: number;
  /** What handshakes failed with, as the server saw it. */
  readonly errors: string[];
}

/** A server on loopback that sends back what it gets. */
export async function listen(contexts: TlsContexts): Promise<Listening> {
  const sockets = new Set<Socket>();
  const errors: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const begin = (octets: Uint8Array, name: string): void => {
      if (octets.length > 0) socket.unshift(octets);
      const secure = new TLSSocket(socket, contexts.options(name));
      let established = false;
      secure.once('secure', () => {
        established = true;
      });
      secure.on('error', (error) => {
        if (!established) errors.push('code' in error ? String(error.code) : error.message);
        socket.destroySoon();
      });
      secure.on('_tlsError', () => socket.destroySoon());
      secure.pipe(secure);
    };
    if (contexts.byName) readServerName(socket, Buffer.alloc(0), begin, () => socket.destroy());
    else begin(Buffer.alloc(0), '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    errors,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What a client saw of one connection. */
interface Seen {
  readonly names: string;
  /** Bits of the server's key. */
  readonly keyBits: number | undefined;
  readonly version: string | null;
  readonly cipher: string;
  readonly alpn: string | false | null;
  readonly resumed: boolean;
  /** To be given to the next connection. */
  readonly session: Buffer | undefined;
}

/** Connects, has one message answered or sent back (so that TLS 1.3 tickets have come), and closes. */
export async function visit(
  port: number,
  options: ConnectionOptions = {},
  message: string | Uint8Array = 'hello',
): Promise<Seen> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  let session: Buffer | undefined;
  socket.on('session', (ticket) => {
    session = ticket;
  });
  try {
    await once(socket, 'secureConnect');
    socket.write(message);
    await once(socket, 'data');
    return {
      names: socket.getPeerCertificate().subjectaltname ?? '',
      keyBits: socket.getPeerCertificate().bits,
      version: socket.getProtocol(),
      cipher: socket.getCipher().name,
      alpn: socket.alpnProtocol,
      resumed: socket.isSessionReused(),
      session,
    };
  } finally {
    socket.destroy();
  }
}
