/** Domain names of the client: read strictly from messages, parsed from and printed to presentation format. */
import { ClientError, ClientErrorCode } from './errors.js';

/** Octets, the root label included (RFC 1035 §2.3.4). */
const MAX_NAME = 255;
const MAX_LABEL = 63;
const POINTER = 0xc0;

function malformed(message: string): ClientError {
  return new ClientError(ClientErrorCode.MALFORMED, message);
}

/**
 * The uncompressed name at message[at], and where reading goes on behind it. What stands in place must end before `end`.
 * A pointer must lead to before the part it ends (RFC 1035 §4.1.4: a prior occurrence), so that reading always ends.
 */
export function readName(
  message: Uint8Array,
  at: number,
  end: number,
  compressed: boolean,
): { name: Uint8Array; end: number } {
  const out: number[] = [];
  let from = at;
  let limit = end;
  let part = at;
  let after = -1;
  for (;;) {
    if (from >= limit) throw malformed(`a name at octet ${at} runs past its end`);
    const length = message[from] ?? 0;
    if ((length & POINTER) === POINTER) {
      if (!compressed) throw malformed(`a compressed name at octet ${at}, where none is allowed`);
      if (from + 2 > limit) throw malformed(`a name at octet ${at} runs past its end`);
      const target = ((length & 0x3f) << 8) | (message[from + 1] ?? 0);
      if (target >= part) throw malformed(`a compression pointer at octet ${from} leads to ${target}, not backwards`);
      if (target < 12) throw malformed(`a compression pointer at octet ${from} leads into the header`);
      if (after < 0) after = from + 2;
      limit = part;
      part = target;
      from = target;
      continue;
    }
    if (length > MAX_LABEL) throw malformed(`a label of unknown kind 0x${length.toString(16)} at octet ${from}`);
    if (from + 1 + length > limit) throw malformed(`a label at octet ${from} runs past its end`);
    if (out.length + 1 + length > MAX_NAME) throw malformed(`a name at octet ${at} is longer than ${MAX_NAME} octets`);
    for (let i = from; i <= from + length; i++) out.push(message[i] ?? 0);
    from += 1 + length;
    if (length === 0) return { name: Uint8Array.from(out), end: after < 0 ? from : after };
  }
}

/** An uncompressed, well-formed name as absolute text; the octets that zone files give a meaning are escaped. */
export function nameToText(name: Uint8Array): string {
  let text = '';
  for (let at = 0; (name[at] ?? 0) !== 0; at += 1 + (name[at] ?? 0)) {
    for (const octet of name.subarray(at + 1, at + 1 + (name[at] ?? 0))) text += labelOctet(octet);
    text += '.';
  }
  return text === '' ? '.' : text;
}

function labelOctet(octet: number): string {
  const character = String.fromCharCode(octet);
  if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, '0')}`;
  return '."();@$\\'.includes(character) ? `\\${character}` : character;
}

/** Wire format of a name in presentation format; a final dot changes nothing. Throws CLIENT_INPUT. */
export function textToName(text: string): Uint8Array {
  const wrong = (reason: string): never => {
    throw new ClientError(ClientErrorCode.INPUT, `${JSON.stringify(text)} is no domain name: ${reason}`);
  };
  const octets = Buffer.from(text, 'utf8');
  const labels: number[][] = [[]];
  if (text === '') wrong('it is empty');
  if (text === '.') return Uint8Array.of(0);
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] ?? 0;
    if (octet === 0x2e) {
      if (labels.at(-1)?.length === 0) wrong('it has an empty label');
      labels.push([]);
    } else if (octet === 0x5c) {
      const digits = /^[0-9]{3}/.exec(octets.toString('latin1', i + 1, i + 4))?.[0];
      if (i + 1 >= octets.length || Number(digits) > 255) wrong('it has a wrong escape');
      labels.at(-1)?.push(digits === undefined ? (octets[i + 1] ?? 0) : Number(digits));
      i += digits === undefined ? 1 : 3;
    } else labels.at(-1)?.push(octet);
  }
  if (labels.at(-1)?.length === 0) labels.pop();
  if (labels.some((label) => label.length > MAX_LABEL)) wrong(`it has a label of more than ${MAX_LABEL} octets`);
  const name = Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0]);
  if (name.length > MAX_NAME) wrong(`it has more than ${MAX_NAME} octets`);
  return name;
}

/** Whether two uncompressed names are the same; case does not count (RFC 4343). */
export function sameName(a: Uint8Array, b: Uint8Array): boolean {
  const lower = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet);
  return a.length === b.length && a.every((octet, i) => lower(octet) === lower(b[i] ?? 0));
}
