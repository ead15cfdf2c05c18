/**
 * The keys that session tickets are encrypted with (RFC 5077, RFC 8446 §4.6.1): tickets keep the state of sessions at the
 * client, so any worker, and any machine with the same keys, resumes a session.
 *
 * Tickets of the previous key are accepted, and replaced, where the engine of openssl/ serves TLS. node:tls holds one key at a time, and no
 * documented call lets it accept tickets of an earlier one: there, after a rotation, every client's next connection is a full
 * handshake, which brings a ticket of the new key. That is the only cost, and the reason why keys do not change often.
 */
import { randomBytes } from 'node:crypto';
import { AdotdError, ErrorCode } from '../errors.js';
import { readSmallFile } from '../zone/regular-file.js';

/** Octets of a key: its name, a key for HMAC and one for AES, 16 each. */
export const TICKET_KEY_OCTETS = 48;

/**
 * Seconds between rotations. A stolen key decrypts sessions of TLS 1.2 that were resumed with it, so it should not live for days
 * (RFC 9325 §3.4). But each rotation costs every client one full handshake. A guess.
 */
export const TICKET_ROTATION = 12 * 3600;

/** The ticket keys in use. The caller rotates them, and gives the new ones to every worker. */
export class TicketKeys {
  readonly #file: string | undefined;
  #current: Buffer;
  #previous: Buffer | undefined;

  /**
   * `file`: keys that several machines share; without it keys are random. `first`: the key until rotate() reads the file. Throws ADOTD_FILE
   * or ADOTD_TLS.
   */
  constructor(file?: string, first?: Buffer) {
    this.#file = file;
    [this.#current, this.#previous] = first === undefined ? next(file) : [first];
  }

  /** 48 octets. */
  get current(): Buffer {
    return this.#current;
  }

  /** 48 octets: the second key of the file, or the one that was current before. undefined: there is none. */
  get previous(): Buffer | undefined {
    return this.#previous;
  }

  /**
   * Takes a new random key, or those of the file. Returns whether a key has changed. Throws ADOTD_FILE or ADOTD_TLS when the file
   * cannot be used, and keeps the keys then.
   */
  rotate(): boolean {
    const before = [this.#current, this.#previous] as const;
    const [current, second] = next(this.#file);
    const replaced = !before[0].equals(current);
    this.#current = current;
    this.#previous = second ?? (replaced ? before[0] : before[1]);
    return replaced || !same(before[1], this.#previous);
  }
}

/** The current key, and the one before it where that is known. */
function next(file: string | undefined): readonly [Buffer, Buffer?] {
  if (file === undefined) return [randomBytes(TICKET_KEY_OCTETS)];
  const [first, second] = readTicketKeys(file);
  return second === undefined ? [first] : [first, second];
}

function same(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

/**
 * The keys of a file: one on each line, 48 octets in base64 or hexadecimal, the current one first. Empty lines and lines that begin
 * with `#` are skipped. The first two are used (see above); the others are checked. Throws ADOTD_FILE or ADOTD_TLS.
 */
export function readTicketKeys(file: string): [Buffer, ...Buffer[]] {
  const lines = readSmallFile(file, 'ticket keys').toString('latin1').split(/\r?\n/);
  const keys: Buffer[] = [];
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const key = decode(text);
    if (key === undefined) {
      // The text itself is not shown: it may be a secret with one character too many.
      const found = `found ${text.length} characters`;
      const expected = 'expected 64 of base64 or 96 hexadecimal digits';
      throw new AdotdError(ErrorCode.TLS, `${file}:${index + 1}: not a ticket key: ${found}, ${expected}`);
    }
    keys.push(key);
  }
  const [first, ...others] = keys;
  if (first !== undefined) return [first, ...others];
  throw new AdotdError(
    ErrorCode.TLS,
    `${file}:1: found no ticket key, expected one on each line, the current one first`,
  );
}

function decode(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{96}$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/]{64}$/.test(text)) return Buffer.from(text, 'base64');
  return undefined;
}
