/** Files in PEM (RFC 7468): the blocks of a file, whatever text stands between them. */
import { readFileSync, statSync } from 'node:fs';
import { AdotdError, ErrorCode } from '../errors.js';

/** One block: its label, and its text from the BEGIN line to the END line. */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, … */
  readonly label: string;
  readonly text: string;
}

/** Octets: a file beyond this is taken for something else. A guess: a hundred times a long chain. */
const MAX_FILE = 1024 * 1024;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(?:(?!-----)[\s\S])*-----END \1-----/g;

/** Reads a file of certificates, keys or ticket keys; `what` is what messages call it. Throws ADOTD_FILE. */
export function readSmallFile(file: string, what: string): Buffer {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE) {
      throw new AdotdError(ErrorCode.FILE, `${what} ${file} has ${size} octets, expected at most ${MAX_FILE}`);
    }
    return readFileSync(file);
  } catch (error) {
    if (error instanceof AdotdError) throw error;
    throw new AdotdError(ErrorCode.FILE, `cannot read ${what} ${file}: ${reason(error)}`, { cause: error });
  }
}

/** The PEM blocks of a file. Throws ADOTD_FILE when it cannot be read, ADOTD_TLS when it has none. */
export function readPem(file: string, what: string): PemBlock[] {
  const octets = readSmallFile(file, what);
  const text = octets.toString('latin1');
  const blocks = [...text.matchAll(BLOCK)].map(([text, label = '']) => ({ label, text: `${text}\n` }));
  if (blocks.length > 0) return blocks;
  throw new AdotdError(ErrorCode.TLS, `${what} ${file} is not PEM: ${whatElse(octets, text)}`);
}

function whatElse(octets: Uint8Array, text: string): string {
  if (octets.length === 0) return 'it is empty';
  if (text.includes('-----BEGIN ')) return 'a block that begins does not end; was the file cut off?';
  // SEQUENCE with a length of one to three octets (X.690 §8.1.3): what a certificate or a key in DER begins with.
  if (octets[0] === 0x30 && octets[1]! >= 0x80 && octets[1]! <= 0x83) return 'it looks like DER; convert it';
  return 'expected a line "-----BEGIN …-----"';
}

/** `no such file or directory`, `permission denied`: a system error without code, call and path. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^[A-Z0-9]+: ([^,]*)/.exec(error.message)?.[1] ?? error.message;
}
