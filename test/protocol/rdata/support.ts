/** Shortcuts of the RDATA tests: text in and out, octets in hexadecimal. */
import { nameFromText } from '../../../src/protocol/name.js';
import { scanRdata } from '../../../src/protocol/rdata/scan.js';
import { typeByMnemonic } from '../../../src/protocol/rdata/table.js';
import { Tokens } from '../../../src/protocol/tokens.js';

/** The origin that the tests' relative names belong to. */
export const ORIGIN: Uint8Array = nameFromText('example.');

const out = new Uint8Array(65_535 + 255 + 16);

/** The number of a mnemonic that the table has. */
export function typeNumber(mnemonic: string): number {
  const type = typeByMnemonic(mnemonic);
  if (type === undefined) throw new Error(`the table has no type ${mnemonic}`);
  return type;
}

/** The wire format of RDATA text. Written at an odd offset, so that a scanner which forgets `at` is found out. */
export function scanOctets(type: number, octets: Uint8Array, origin: Uint8Array = ORIGIN): Uint8Array {
  const tokens = new Tokens(octets, 'test.zone');
  tokens.nextEntry();
  const at = 7;
  return out.slice(at, at + scanRdata(type, tokens, origin, out, at));
}

export function scan(mnemonic: string, text: string): Uint8Array {
  return scanOctets(typeNumber(mnemonic), Buffer.from(text, 'utf8'));
}

export function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}
