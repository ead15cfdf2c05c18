/** Domain names: reads them strictly from messages, and converts them from and to presentation format. */
import { ClientError, ClientErrorCode } from '../errors.js';

/** Octets, the root label included (RFC 1035 §2.3.4). */
const MAX_NAME = 255;
const MAX_LABEL = 63;
const POINTER = 0xc0;
/** Octets of the header, which holds no names. */
const HEADER = 12;

function malformed(message: string): ClientError {
  return new ClientError(ClientErrorCode.MALFORMED, message);
}

interface ReadName {
  /** Uncompressed. Several records may share the array: do not write to it. */
  readonly name: Uint8Array;
  /** In presentation format, absolute. */
  readonly text: string;
  /** The place after the name. */
  readonly end: number;
}

/** The labels from `at` to the root label or a pointer. */
interface Part {
  readonly at: number;
  /** The place after the last label. */
  readonly labelsEnd: number;
  /** The place after the root label or the pointer. */
  readonly end: number;
}

type Known = Pick<ReadName, 'name' | 'text' | 'end'>;

const ROOT: Pick<ReadName, 'name' | 'text'> = { name: Uint8Array.of(0), text: '' };

/**
 * Reads the names of one message. The target of pointers is decoded once and shared: within 64 KiB, 4,600 records can point to one
 * name of 255 octets, twice each.
 */
export class NameReader {
  readonly #message: Uint8Array;
  /** Names by their places. Their text ends with a dot; that of the root is empty. */
  readonly #known = new Map<number, Known>();

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  /**
   * The name at message[at]. Its labels and pointer must end before `end`. A pointer must lead to a place before the labels that it
   * follows (RFC 1035 §4.1.4: a prior occurrence), so that reading always ends. Throws CLIENT_MALFORMED.
   */
  read(at: number, end: number, compressed: boolean): ReadName {
    const parts: Part[] = [];
    let found: Known | undefined;
    let next: number | undefined = at;
    for (let limit = end; next !== undefined && found === undefined; ) {
      const part: Part = this.#part(next, limit, at);
      parts.push(part);
      next = this.#target(part, at, compressed);
      limit = part.at;
      found = next === undefined ? undefined : this.#known.get(next);
      if (found !== undefined && found.end > limit) throw malformed(`a name at octet ${at} runs past its end`);
    }
    let tail: Pick<ReadName, 'name' | 'text'> = found ?? ROOT;
    for (const part of parts.reverse()) {
      tail = this.#joined(part, tail, at);
      this.#known.set(part.at, { ...tail, end: part.end });
    }
    return { name: tail.name, text: tail.text === '' ? '.' : tail.text, end: parts.at(-1)?.end ?? at };
  }

  /** The labels from `from` on, which must end before `limit`. `at` is the place of the whole name. */
  #part(from: number, limit: number, at: number): Part {
    for (let here = from; ; ) {
      const length = here < limit ? (this.#message[here] ?? 0) : -1;
      if (length < 0) throw malformed(`a name at octet ${at} runs past its end`);
      if (length === 0) return { at: from, labelsEnd: here, end: here + 1 };
      if ((length & POINTER) === POINTER) {
        if (here + 2 > limit) throw malformed(`a name at octet ${at} runs past its end`);
        return { at: from, labelsEnd: here, end: here + 2 };
      }
      if (length > MAX_LABEL) throw malformed(`a label of unknown kind 0x${length.toString(16)} at octet ${here}`);
      if (here + 1 + length > limit) throw malformed(`a label at octet ${here} runs past its end`);
      here += 1 + length;
      if (here - from >= MAX_NAME) throw malformed(`a name at octet ${at} is longer than ${MAX_NAME} octets`);
    }
  }

  /** The target of the pointer after the labels; undefined if they end with the root label. */
  #target({ at: part, labelsEnd, end }: Part, at: number, compressed: boolean): number | undefined {
    if (end === labelsEnd + 1) return undefined;
    if (!compressed) throw malformed(`a compressed name at octet ${at}, where none is allowed`);
    const target = (((this.#message[labelsEnd] ?? 0) & 0x3f) << 8) | (this.#message[labelsEnd + 1] ?? 0);
    if (target >= part)
      throw malformed(`a compression pointer at octet ${labelsEnd} leads to ${target}, not backwards`);
    if (target < HEADER) throw malformed(`a compression pointer at octet ${labelsEnd} leads into the header`);
    return target;
  }

  #joined({ at: from, labelsEnd }: Part, tail: Pick<ReadName, 'name' | 'text'>, at: number): typeof tail {
    const labels = this.#message.subarray(from, labelsEnd);
    if (labels.length === 0) return tail;
    if (labels.length + tail.name.length > MAX_NAME)
      throw malformed(`a name at octet ${at} is longer than ${MAX_NAME} octets`);
    const name = new Uint8Array(labels.length + tail.name.length);
    name.set(labels);
    name.set(tail.name, labels.length);
    return { name, text: labelsToText(labels) + tail.text };
  }
}

/** One name of a message. Throws CLIENT_MALFORMED. */
export function readName(message: Uint8Array, at: number, end: number, compressed: boolean): ReadName {
  return new NameReader(message).read(at, end, compressed);
}

/** An uncompressed, well-formed name as absolute text. Octets that have a meaning in zone files are escaped. */
export function nameToText(name: Uint8Array): string {
  return labelsToText(name.subarray(0, -1)) || '.';
}

/** Labels without the root, a dot after each. */
function labelsToText(labels: Uint8Array): string {
  let text = '';
  for (let at = 0; at < labels.length; ) {
    const end = at + 1 + (labels[at] ?? 0);
    for (let i = at + 1; i < end; i++) text += LETTERS[labels[i] ?? 0];
    text += '.';
    at = end;
  }
  return text;
}

function labelOctet(octet: number): string {
  const character = String.fromCharCode(octet);
  if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, '0')}`;
  return '."();@$\\'.includes(character) ? `\\${character}` : character;
}

/** The text of each octet of a label. */
const LETTERS: readonly string[] = Array.from({ length: 256 }, (_, octet) => labelOctet(octet));

/** The wire format of a name in presentation format, with or without a final dot. Throws CLIENT_INPUT. */
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

/** Whether two uncompressed names are the same. Letter case does not count (RFC 4343). */
export function sameName(a: Uint8Array, b: Uint8Array): boolean {
  const lower = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet);
  return a.length === b.length && a.every((octet, i) => lower(octet) === lower(b[i] ?? 0));
}
