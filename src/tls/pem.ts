/** Files in PEM (RFC 7468): the blocks of a file; text between them is ignored. */
import { AdotdError, ErrorCode } from '../errors.js';
import { readSmallFile } from '../zone/regular-file.js';

/** One block: its label, and its text from the BEGIN line to the END line. */
interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, … */
  readonly label: string;
  readonly text: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(?:(?!-----)[\s\S])*-----END \1-----/g;

/** The PEM blocks of a file. Throws ADOTD_FILE when it cannot be read, ADOTD_TLS when it has none. */
export function readPem(file: string, what: string): PemBlock[] {
  const octets = readSmallFile(file, what);
  const text = octets.toString('latin1');
  const blocks = pemBlocks(text);
  if (blocks.length > 0) return blocks;
  throw new AdotdError(ErrorCode.TLS, `${what} ${file} is not PEM: ${whatElse(octets, text)}`);
}

/** The PEM blocks of a text; none when it has none. */
export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([block, label = '']) => ({ label, text: `${block}\n` }));
}

function whatElse(octets: Uint8Array, text: string): string {
  if (octets.length === 0) return 'it is empty';
  if (text.includes('-----BEGIN ')) return 'a block that begins does not end; was the file cut off?';
  if (isSequence(octets)) return 'it looks like DER; convert it';
  return 'expected a line "-----BEGIN …-----"';
}

/** Whether it begins like a certificate or key in DER: a SEQUENCE with its length (X.690 §8.1.3), one octet in small keys. */
function isSequence(octets: Uint8Array): boolean {
  const [tag, length = 0] = octets;
  if (tag !== 0x30) return false;
  return length < 0x80 ? octets.length === 2 + length : length <= 0x83;
}
