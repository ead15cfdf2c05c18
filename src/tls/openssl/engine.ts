/**
 * TLS connections of one thread, server side, by the OpenSSL inside of node and without sockets: octets of the network go in and out
 * through memory. It knows connections by handles. A handle is an integer, and is refused as soon as its connection is freed, so that
 * nothing can use memory that OpenSSL has freed.
 *
 * Hot file: see turn.ts.
 */
import { messageOf } from '../../errors.js';
import { addressOf } from '../../native/memory.js';
import { ALPN_DOT } from '../offered.js';
import type { TlsSettings } from '../tls-context.js';
import { type Callbacks, registerCallbacks } from './callbacks.js';
import { type Contexts, createContexts } from './contexts.js';
import { type OpenSsl, openSsl } from './functions.js';
import { Handles } from './handles.js';
import { MessageLengths } from './message-lengths.js';
import { GET_NEGOTIATED_GROUP, groupName, HOST_NAME, POINTER, TLS1_3_VERSION } from './numbers.js';
import { createPointerTable, type PointerTable, putBios, putConnection, putContexts } from './pointers.js';
import { createTicketSealer, type TicketSealer } from './ticket-sealer.js';
import type { TlsDescription } from './tls-description.js';
import { State, type TlsConnection, TlsRead, Turn } from './turn.js';

/**
 * Faults that should never happen: a call for a handle that is not, or no longer, one of a connection; a turn that left octets for the
 * network; a callback that failed by a mistake of ours. The connection has ended in each case.
 */
export type EngineFault = 'refused' | 'leftover' | 'callback';

/**
 * The engine of this thread, or why there is none. `pointers`: with them another thread can free all of it when this one dies.
 * `told`: is told of each fault. `functions`: for tests, which break them. Throws ADOTD_TLS when a certificate cannot be served.
 */
export function createTlsEngine(
  settings: TlsSettings,
  pointers: PointerTable = createPointerTable(),
  told: (fault: EngineFault) => void = () => {},
  functions: OpenSsl | string = openSsl(),
): TlsEngine | string {
  if (typeof functions === 'string') return functions;
  const tickets = createTicketSealer(functions);
  let engine: TlsEngine | undefined;
  let callbacks: Callbacks;
  try {
    callbacks = registerCallbacks(
      functions,
      (name) => engine?.contextFor(name),
      tickets,
      () => told('callback'),
    );
  } catch (error) {
    return `OpenSSL cannot call back: ${messageOf(error)}`;
  }
  try {
    engine = new TlsEngine(functions, settings, pointers, callbacks, tickets, told);
  } catch (error) {
    callbacks.unregister();
    throw error;
  }
  return engine;
}

/** See createTlsEngine(). A turn: begin(), then read() and write() as often as wanted, output() until it has nothing, finish(). */
export class TlsEngine {
  readonly #c: OpenSsl;
  readonly #callbacks: Callbacks;
  readonly #tickets: TicketSealer;
  readonly #pointers: PointerTable;
  readonly #connections: Handles<TlsConnection>;
  readonly #turn: Turn;
  readonly #told: (fault: EngineFault) => void;
  #contexts: Contexts;
  #settings: TlsSettings;
  #refused = 0;
  #leftovers = 0;
  #closed = false;
  readonly #protocol = new Uint8Array(new SharedArrayBuffer(2 * POINTER));
  /** Names of ciphers by their pointers, which are those of a table in OpenSSL. */
  readonly #ciphers = new Map<number, string>();

  constructor(
    functions: OpenSsl,
    settings: TlsSettings,
    pointers: PointerTable,
    callbacks: Callbacks,
    tickets: TicketSealer,
    told: (fault: EngineFault) => void,
  ) {
    this.#c = functions;
    this.#callbacks = callbacks;
    this.#tickets = tickets;
    this.#told = told;
    this.#pointers = pointers;
    this.#settings = settings;
    this.#connections = new Handles(pointers.connections);
    this.#contexts = createContexts(functions, settings, callbacks);
    putContexts(pointers, this.#contexts.all);
    tickets.setKeys(settings.ticketKey, settings.previousTicketKey);
    this.#turn = new Turn(functions);
    putBios(pointers, this.#turn.input.address, this.#turn.output.address);
  }

  /** The octets that read() has read, until the next read(). */
  get plaintext(): Uint8Array {
    return this.#turn.plaintext;
  }

  /** The octets that output() has taken, until the next output(), finish() or begin(). */
  get outgoing(): Uint8Array {
    return this.#turn.outgoing;
  }

  get outgoingAddress(): number {
    return this.#turn.outgoingAddress;
  }

  /** Connections that are open; calls that were refused; turns that left octets; callbacks that failed. All but the first should be 0. */
  get counts() {
    const [open, refused, leftovers] = [this.#connections.count, this.#refused, this.#leftovers];
    return { open, refused, leftovers, callbackMistakes: this.#callbacks.mistakes };
  }

  /** Why the last connection failed, as node calls it: `ERR_SSL_NO_SHARED_CIPHER`. */
  get failure(): string {
    return this.#turn.failure;
  }

  /** Milliseconds spent on handshakes since startTurn(). */
  get handshakeTime(): number {
    return this.#turn.handshakeTime;
  }

  /** The part of that time in which this thread had the CPU. */
  get handshakeCpu(): number {
    return this.#turn.handshakeCpu;
  }

  /** To be called once in each turn of the loop that calls the others. */
  startTurn(): void {
    this.#turn.startTurn();
  }

  /** The context for a server name; undefined: the one for all. For the callback of OpenSSL. */
  contextFor(serverName: string): number | undefined {
    return this.#contexts.find(serverName);
  }

  /** Begins a connection, and returns its handle; -1: there is no room, or the engine is closed. */
  open(): number {
    const handle = this.#closed ? -1 : this.#connections.next();
    if (handle < 0) return -1;
    const ssl = this.#c.SSL_new(this.#contexts.fallback);
    if (ssl === 0) {
      this.#c.ERR_clear_error();
      return -1;
    }
    const { input, output } = this.#turn;
    // SSL_set_bio() takes a reference to each.
    this.#c.BIO_up_ref(input.address);
    this.#c.BIO_up_ref(output.address);
    this.#c.SSL_set_bio(ssl, input.address, output.address);
    this.#c.SSL_set_accept_state(ssl);
    // null first: the field is to keep number objects, see turn.ts.
    const connection: TlsConnection = {
      handle,
      ssl: null,
      state: State.HANDSHAKING,
      silent: 0,
      kept: null,
      lengths: new MessageLengths(),
    };
    connection.ssl = ssl;
    this.#connections.put(connection);
    putConnection(this.#pointers, handle, ssl);
    return handle;
  }

  /** Frees a connection, also in the middle of its turn. Octets that output() has not taken are lost. */
  free(handle: number): void {
    const connection = this.#connections.find(handle);
    if (connection === null) {
      this.#refuse();
      return;
    }
    this.#connections.remove(connection);
    putConnection(this.#pointers, handle, 0);
    this.#c.SSL_free(connection.ssl!);
    connection.ssl = null;
    if (this.#turn.connection === connection) this.#turn.abandon();
  }

  /**
   * Begins the turn of a connection with `length` octets from the network, at an address; without any when it goes on after a pause, or
   * has something to say. false: refused, or there is no memory.
   */
  begin(handle: number, address: number, length: number): boolean {
    const connection = this.#connections.find(handle);
    if (connection !== null && this.#turn.connection === null) return this.#turn.begin(connection, address, length);
    this.#refuse();
    return false;
  }

  /** Reads at most one record. Returns the number of octets in `plaintext`, or one of TlsRead. */
  read(handle: number): number {
    const connection = this.#whoseTurn(handle);
    return connection === null ? TlsRead.REFUSED : this.#turn.read(connection);
  }

  /**
   * Seals octets, in a record of their own, or several if they are more than a record holds. false: it failed, or was refused, as it is
   * before the end of the handshake and behind closeNotify().
   */
  write(handle: number, address: number, length: number): boolean {
    const connection = this.#whoseTurn(handle);
    if (connection === null) return false;
    if (connection.state === State.SECURED && length > 0) return this.#turn.write(connection, address, length);
    this.#refuse();
    return false;
  }

  /** Puts close_notify into the output; nothing can be written behind it. false: there is none, before the end of the handshake. */
  closeNotify(handle: number): boolean {
    const connection = this.#whoseTurn(handle);
    return connection !== null && connection.state === State.SECURED && this.#turn.closeNotify(connection);
  }

  /** Octets that output() will take. */
  get waiting(): number {
    return this.#turn.output.pending;
  }

  /**
   * Takes octets for the network into `outgoing`, and returns their number; 0: there are none. The caller keeps those that it cannot send.
   */
  output(handle: number): number {
    return this.#whoseTurn(handle) === null ? 0 : this.#turn.take();
  }

  /** Ends the turn. Octets that were not read are kept for the next one. false: output was left (and is lost); the connection is broken. */
  finish(handle: number): boolean {
    const connection = this.#whoseTurn(handle);
    if (connection === null) return false;
    if (this.#turn.finish(connection) === 0) return true;
    this.#leftovers++;
    this.#told('leftover');
    return false;
  }

  /** Whether a paused connection has octets that read() would work on before others come from the network. */
  hasKept(handle: number): boolean {
    const connection = this.#connections.find(handle);
    if (connection === null) return false;
    return connection.kept !== null || this.#c.SSL_has_pending(connection.ssl!) === 1;
  }

  /** Whether the handshake is not complete yet. */
  isHandshaking(handle: number): boolean {
    return this.#connections.find(handle)?.state === State.HANDSHAKING;
  }

  /** The parameters that the handshake agreed on, behind TlsRead.SECURED; undefined for a handle that is refused. */
  describe(handle: number): TlsDescription | undefined {
    const ssl = this.#connections.find(handle)?.ssl ?? null;
    if (ssl === null) {
      this.#refuse();
      return undefined;
    }
    const isNew = this.#c.SSL_version(ssl) === TLS1_3_VERSION;
    const isDot = this.#hasProtocol(ssl);
    const serverName = this.#c.SSL_get_servername(ssl, HOST_NAME) ?? '';
    return {
      version: isNew ? 'TLSv1.3' : 'TLSv1.2',
      group: groupName(this.#c.SSL_ctrl(ssl, GET_NEGOTIATED_GROUP, 0, 0)),
      isDot,
      isXot: isNew && isDot,
      cipher: this.#cipherName(this.#c.SSL_get_current_cipher(ssl)),
      resumed: this.#c.SSL_session_reused(ssl) === 1,
      serverName,
      isNamed: serverName !== '',
    };
  }

  /** Changes the settings for new connections; open ones go on. When it throws ADOTD_TLS, nothing has changed. */
  replace(changes: Partial<TlsSettings>): void {
    const settings = { ...this.#settings, ...changes };
    if (this.#closed) return;
    if (changes.certificates !== undefined || changes.sessionTimeout !== undefined) {
      const before = this.#contexts;
      this.#contexts = createContexts(this.#c, settings, this.#callbacks);
      putContexts(this.#pointers, this.#contexts.all);
      // Open connections keep theirs alive.
      for (const context of before.all) this.#c.SSL_CTX_free(context);
    }
    this.#tickets.setKeys(settings.ticketKey, settings.previousTicketKey);
    this.#settings = settings;
  }

  /** Frees everything. No connection can begin afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { handle } of this.#connections.all()) this.free(handle);
    for (const context of this.#contexts.all) this.#c.SSL_CTX_free(context);
    putContexts(this.#pointers, []);
    putBios(this.#pointers, 0, 0);
    this.#turn.input.free();
    this.#turn.output.free();
    this.#c.ERR_clear_error();
    this.#callbacks.unregister();
  }

  /** Whether a protocol was chosen: there is only one. */
  #hasProtocol(ssl: number): boolean {
    const address = addressOf(this.#protocol, this);
    // The pointer to its name, then its length.
    this.#c.SSL_get0_alpn_selected(ssl, address, address + POINTER);
    return this.#protocol[POINTER] === ALPN_DOT.length;
  }

  #whoseTurn(handle: number): TlsConnection | null {
    const { connection } = this.#turn;
    if (connection !== null && connection.handle === handle) return connection;
    this.#refuse();
    return null;
  }

  #refuse(): void {
    this.#refused++;
    this.#told('refused');
  }

  #cipherName(cipher: number): string {
    const name = this.#ciphers.get(cipher) ?? this.#c.SSL_CIPHER_get_name(cipher) ?? '';
    this.#ciphers.set(cipher, name);
    return name;
  }
}
