/**
 * The pointers of one thread, in memory that another thread has too: a thread that dies leaves its connections to nobody, and the memory
 * that OpenSSL has allocated for them would stay. A pointer is put in after it was made, and taken out before it is freed. So every pointer
 * in the table is valid, and at worst one thing stays.
 */
import { type OpenSsl, openSsl } from './functions.js';
import { placeOf } from './handles.js';

/** Plain data, which can be given to a thread. */
export interface PointerTable {
  /** Connections that it has places for. */
  readonly connections: number;
  /** Pointers are below 2^53, so that a double holds each. First the two BIOs, then contexts, then connections. */
  readonly places: Float64Array;
}

const BIOS = 0;
const CONTEXTS = 2;
/** Contexts that have a place. Those above it are not freed when a thread dies. */
const CONTEXT_PLACES = 254;
const CONNECTIONS = CONTEXTS + CONTEXT_PLACES;
/** As many as there are handles. */
const MOST = 65_536;

/** A table for a thread that has at most `connections` connections at once. */
export function createPointerTable(connections: number = MOST): PointerTable {
  const octets = (CONNECTIONS + connections) * Float64Array.BYTES_PER_ELEMENT;
  return { connections, places: new Float64Array(new SharedArrayBuffer(octets)) };
}

export function putBios({ places }: PointerTable, input: number, output: number): void {
  places[BIOS] = input;
  places[BIOS + 1] = output;
}

/** Puts the pointers of all contexts in, in place of those before. */
export function putContexts({ places }: PointerTable, contexts: readonly number[]): void {
  for (let i = 0; i < CONTEXT_PLACES; i++) places[CONTEXTS + i] = contexts[i] ?? 0;
}

/** `connection`: 0 takes it out. */
export function putConnection({ places }: PointerTable, handle: number, connection: number): void {
  places[CONNECTIONS + placeOf(handle)] = connection;
}

/** How many connections have a pointer now: OpenSSL has allocated them, and has not freed them. */
export function countConnections({ places }: PointerTable): number {
  let count = 0;
  for (let i = CONNECTIONS; i < places.length; i++) if (places[i] !== 0) count++;
  return count;
}

/**
 * Frees all that a thread has left behind, and returns the number of its connections. Only for a thread that has ended: its 'exit' was
 * seen.
 */
export function freeLeftBehind({ places }: PointerTable): number {
  const functions = openSsl();
  if (typeof functions === 'string') return 0;
  const freed = freeEach(functions.SSL_free, places, CONNECTIONS, places.length);
  freeEach(functions.SSL_CTX_free, places, CONTEXTS, CONNECTIONS);
  freeEach(functions.BIO_free, places, BIOS, CONTEXTS);
  functions.ERR_clear_error();
  return freed;
}

function freeEach(free: OpenSsl['SSL_free' | 'BIO_free'], places: Float64Array, from: number, to: number): number {
  let freed = 0;
  for (let i = from; i < to; i++) {
    const pointer = places[i]!;
    if (pointer === 0) continue;
    places[i] = 0;
    free(pointer);
    freed++;
  }
  return freed;
}
