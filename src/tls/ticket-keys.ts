/**
 * The key that session tickets are encrypted with (RFC 5077, RFC 8446 §4.6.1): tickets keep the state of sessions at the
 * client, so any worker, and any machine with the same key, resumes a session.
 *
 * Node holds one key at a time, and no documented call lets it accept tickets of an earlier one. There is no overlap
 * therefore: the first connection of every client after a rotation is a full handshake, which brings it a ticket of the new
 * key. That is all it costs, and it is why keys do not change often.
 */
import { randomBytes } from 'node:crypto';
import { AdotdError, ErrorCode } from '../errors.js';
import { readSmallFile } from '../zone/regular-file.js';

/** Octets of a key: its name, a key for HMAC and one for AES, 16 each. */
export const TICKET_KEY_OCTETS = 48;

/**
 * Seconds between rotations. Who takes a key can read what was sent under it with TLS 1.2: it should not live for days
 * (RFC 9325 §3.4). A guess between that and the one full handshake that each rotation costs every client.
 */
export const TICKET_ROTATION = 12 * 3600;

/** The current ticket key. The caller rotates it, and gives what comes of it to every worker. */
export class TicketKeys {
  readonly #file: string | undefined;
  #current: Buffer;

  /** `file` is shared by several machines; without it keys are random. Throws ADOTD_FILE or ADOTD_TLS. */
  constructor(file?: string) {
    this.#file = file;
    this.#current = next(file);
  }

  /** 48 octets. */
  get current(): Buffer {
    return this.#current;
  }

  /**
   * Takes a new random key, or the first one that the file has now. True when the key is another than before. Throws
   * ADOTD_FILE or ADOTD_TLS when the file cannot be used; the key is then the one before.
   */
  rotate(): boolean {
    const before = this.#current;
    this.#current = next(this.#file);
    return !before.equals(this.#current);
  }
}

function next(file: string | undefined): Buffer {
  if (file === undefined) return randomBytes(TICKET_KEY_OCTETS);
  const [first] = readTicketKeys(file);
  return first;
}

/**
 * The keys of a file: one a line, 48 octets in base64 or hexadecimal, the current one first. Lines that are empty or begin
 * with `#` do not count. Those behind the first are checked, and not used (see above). Throws ADOTD_FILE or ADOTD_TLS.
 */
export function readTicketKeys(file: string): [Buffer, ...Buffer[]] {
  const lines = readSmallFile(file, 'ticket keys').toString('latin1').split(/\r?\n/);
  const keys: Buffer[] = [];
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const key = decode(text);
    if (key === undefined) {
      // Not the text itself: it may be a secret with one character too many.
      const found = `found ${text.length} characters`;
      const expected = 'expected 64 of base64 or 96 hexadecimal digits';
      throw new AdotdError(ErrorCode.TLS, `${file}:${index + 1}: not a ticket key: ${found}, ${expected}`);
    }
    keys.push(key);
  }
  const [first, ...others] = keys;
  if (first !== undefined) return [first, ...others];
  throw new AdotdError(ErrorCode.TLS, `${file}:1: found no ticket key, expected one a line, the current one first`);
}

function decode(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{96}$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/]{64}$/.test(text)) return Buffer.from(text, 'base64');
  return undefined;
}
