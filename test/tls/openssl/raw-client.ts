/** A TLS client by OpenSSL itself, in memory: it does what node:tls does not, such as key updates, and all of it at once. */
import { createRequire } from 'node:module';

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
const own = koffi.load(null);
const call = (prototype: string) => own.func(prototype) as (...given: unknown[]) => number;

const c = {
  TLS_client_method: call('uintptr_t TLS_client_method()'),
  SSL_CTX_new: call('uintptr_t SSL_CTX_new(uintptr_t)'),
  SSL_CTX_free: call('void SSL_CTX_free(uintptr_t)'),
  SSL_CTX_ctrl: call('long SSL_CTX_ctrl(uintptr_t, int, long, void *)'),
  SSL_new: call('uintptr_t SSL_new(uintptr_t)'),
  SSL_free: call('void SSL_free(uintptr_t)'),
  SSL_ctrl: call('long SSL_ctrl(uintptr_t, int, long, void *)'),
  SSL_set_bio: call('void SSL_set_bio(uintptr_t, uintptr_t, uintptr_t)'),
  SSL_set_connect_state: call('void SSL_set_connect_state(uintptr_t)'),
  SSL_do_handshake: call('int SSL_do_handshake(uintptr_t)'),
  SSL_read: call('int SSL_read(uintptr_t, void *, int)'),
  SSL_write: call('int SSL_write(uintptr_t, void *, int)'),
  SSL_shutdown: call('int SSL_shutdown(uintptr_t)'),
  SSL_get_shutdown: call('int SSL_get_shutdown(uintptr_t)'),
  SSL_key_update: call('int SSL_key_update(uintptr_t, int)'),
  SSL_renegotiate: call('int SSL_renegotiate(uintptr_t)'),
  BIO_s_mem: call('uintptr_t BIO_s_mem()'),
  BIO_new: call('uintptr_t BIO_new(uintptr_t)'),
  BIO_ctrl: call('long BIO_ctrl(uintptr_t, int, long, void *)'),
  BIO_read: call('int BIO_read(uintptr_t, void *, int)'),
  BIO_write: call('int BIO_write(uintptr_t, void *, int)'),
  ERR_clear_error: call('void ERR_clear_error()'),
};

const SSL_CTRL_SET_MAX_SEND_FRAGMENT = 52;
const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;
const SSL_RECEIVED_SHUTDOWN = 2;
const BIO_C_SET_BUF_MEM_EOF_RETURN = 130;
const NUMBERS = { 'TLSv1.2': 0x303, 'TLSv1.3': 0x304 } as const;
const ROOM = 131_072;

/** What many clients have in common. */
export class RawClients {
  readonly context = c.SSL_CTX_new(c.TLS_client_method());

  constructor(version: keyof typeof NUMBERS) {
    c.SSL_CTX_ctrl(this.context, SSL_CTRL_SET_MAX_PROTO_VERSION, NUMBERS[version], null);
  }

  /** No client may begin afterwards. */
  free(): void {
    c.SSL_CTX_free(this.context);
  }
}

export class RawClient implements Disposable {
  readonly #ssl: number;
  readonly #input: number;
  readonly #output: number;
  readonly #octets = Buffer.alloc(ROOM);

  constructor({ context }: RawClients, serverName?: string) {
    this.#ssl = c.SSL_new(context);
    this.#input = memoryBio();
    this.#output = memoryBio();
    c.SSL_set_bio(this.#ssl, this.#input, this.#output);
    c.SSL_set_connect_state(this.#ssl);
    if (serverName !== undefined) {
      c.SSL_ctrl(this.#ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, Buffer.from(`${serverName}\0`));
    }
  }

  /** Whether the handshake is complete on this side. */
  handshake(): boolean {
    return this.#checked(c.SSL_do_handshake(this.#ssl)) === 1;
  }

  /** What has come as plaintext. */
  read(): Buffer {
    const parts: Buffer[] = [];
    for (let n = 0; (n = this.#checked(c.SSL_read(this.#ssl, this.#octets, ROOM))) > 0; ) {
      parts.push(Buffer.from(this.#octets.subarray(0, n)));
    }
    return Buffer.concat(parts);
  }

  write(octets: Uint8Array): boolean {
    return this.#checked(c.SSL_write(this.#ssl, Buffer.from(octets), octets.length)) === octets.length;
  }

  /** Sends a key update with the next octets; `asks`: the server shall do the same. */
  updateKey(asks: boolean): boolean {
    return this.#checked(c.SSL_key_update(this.#ssl, asks ? 1 : 0)) === 1 && this.handshake();
  }

  renegotiate(): void {
    this.#checked(c.SSL_renegotiate(this.#ssl));
    this.handshake();
  }

  close(): void {
    this.#checked(c.SSL_shutdown(this.#ssl));
  }

  /** Records of at most so many octets. */
  limitRecords(octets: number): void {
    c.SSL_ctrl(this.#ssl, SSL_CTRL_SET_MAX_SEND_FRAGMENT, octets, null);
  }

  /** Whether the server's close_notify was read. */
  get isClosed(): boolean {
    return (c.SSL_get_shutdown(this.#ssl) & SSL_RECEIVED_SHUTDOWN) !== 0;
  }

  /** Octets for the network. */
  take(): Buffer {
    const parts: Buffer[] = [];
    for (let n = 0; (n = c.BIO_read(this.#output, this.#octets, ROOM)) > 0; ) {
      parts.push(Buffer.from(this.#octets.subarray(0, n)));
    }
    return Buffer.concat(parts);
  }

  /** Octets of the network. */
  give(octets: Uint8Array): void {
    if (octets.length > 0) c.BIO_write(this.#input, Buffer.from(octets), octets.length);
  }

  [Symbol.dispose](): void {
    c.SSL_free(this.#ssl);
  }

  #checked(result: number): number {
    if (result <= 0) c.ERR_clear_error();
    return result;
  }
}

function memoryBio(): number {
  const bio = c.BIO_new(c.BIO_s_mem());
  c.BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, null);
  return bio;
}
