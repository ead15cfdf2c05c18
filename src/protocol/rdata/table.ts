/** The RDATA table: looks up rows of resource record types by number and by mnemonic. */
import { AdotdError, ErrorCode } from '../../errors.js';
import { Type } from '../iana.js';
import { FIXED_SIZE, type Field, FieldKind, isLowered, isName } from './field.js';
import { type Additional, ROWS, type TypeRow } from './rows.js';

/** The places of the domain names in a type's RDATA. */
interface NameLayout {
  /** Octets of fixed size before the first name. */
  readonly at: number;
  /** Number of consecutive names from there. */
  readonly count: number;
  /** Whether they may be compressed in a message: the types of RFC 1035 only (RFC 3597 §4). */
  readonly compressible: boolean;
  readonly additional: Additional;
}

/** Type numbers end here (16 bits). */
const TYPES = 65_536;

const byType = new Map<number, TypeRow>(ROWS.map((row) => [row.type, row]));
const layouts = new Map<number, NameLayout>();
for (const row of ROWS) {
  const layout = row.fields === undefined ? undefined : layoutOf(row.fields, row.additional);
  if (layout !== undefined) layouts.set(row.type, layout);
}

function layoutOf(fields: readonly Field[], additional: Additional): NameLayout | undefined {
  let at = 0;
  for (let i = 0; i < fields.length; i++) {
    const kind = fields[i]!.kind;
    if (isName(kind)) {
      let count = 1;
      while (i + count < fields.length && isName(fields[i + count]!.kind)) count++;
      return { at, count, compressible: kind === FieldKind.COMPRESSED_NAME, additional };
    }
    const size = FIXED_SIZE[kind];
    if (size === undefined) return undefined;
    at += size;
  }
  return undefined;
}

/** The row of a type, or undefined when the table does not know it. */
export function rowOf(type: number): TypeRow | undefined {
  return byType.get(type);
}

/** The names in a type's RDATA; undefined when it has none, or none at a fixed place (NAPTR, HIP, …). */
export function nameLayout(type: number): NameLayout | undefined {
  return layouts.get(type);
}

const lowered: ReadonlySet<number> = new Set(
  ROWS.filter((row) => row.fields?.some(({ kind }) => isLowered(kind))).map((row) => row.type),
);

/** Whether a type's RDATA has names that are lower case in canonical form (RFC 4034 §6.2, RFC 6840 §5.1). */
export function hasLoweredNames(type: number): boolean {
  return lowered.has(type);
}

/** Whether a type is for questions and messages only, and cannot be in a zone: 0, OPT, 128 to 255 (RFC 6895 §3.1). */
export function isMetaType(type: number): boolean {
  return type === 0 || type === Type.OPT || (type >= 128 && type <= 255);
}

/** The mnemonic of a type, `TYPE123` when it has none (RFC 3597 §5). */
export function typeToText(type: number): string {
  return byType.get(type)?.mnemonic ?? `TYPE${type}`;
}

/** The number of a type given by its mnemonic, in any letter case, or as `TYPE123`; undefined when it is neither. */
export function typeByMnemonic(text: string): number | undefined {
  const octets = Buffer.from(text, 'utf8');
  const type = typeFromOctets(octets, 0, octets.length);
  return type < 0 ? undefined : type;
}

const LONGEST_MNEMONIC = ROWS.reduce((longest, row) => Math.max(longest, row.mnemonic.length), 'TYPE65535'.length);
/** Open addressing over the mnemonics, so that looking one up allocates nothing; a slot holds an index of ROWS + 1. */
const SLOTS = 1024;
const slots = new Uint16Array(SLOTS);
const mnemonics = ROWS.map((row) => Uint8Array.from(Buffer.from(row.mnemonic, 'latin1')));

/** `octet` with ASCII lower-case letters mapped to upper case. */
function upper(octet: number): number {
  return octet >= 0x61 && octet <= 0x7a ? octet - 0x20 : octet;
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + upper(bytes[i]!)) | 0;
  return (hash ^ (hash >>> 10)) & (SLOTS - 1);
}

ROWS.forEach((row, index) => {
  const octets = mnemonics[index]!;
  let slot = slotOf(octets, 0, octets.length);
  while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  slots[slot] = index + 1;
  if (row.type >= TYPES || byType.get(row.type) !== row)
    throw new AdotdError(ErrorCode.WIRE, `the RDATA table has two rows of type ${row.type}`);
});

/** The type whose mnemonic, in any letter case, or `TYPE123` form is bytes[start … end), or -1. Allocates nothing. */
export function typeFromOctets(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0 || length > LONGEST_MNEMONIC) return -1;
  for (let slot = slotOf(bytes, start, end); slots[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
    const index = slots[slot]! - 1;
    const mnemonic = mnemonics[index]!;
    if (mnemonic.length !== length) continue;
    let i = 0;
    while (i < length && upper(bytes[start + i]!) === mnemonic[i]) i++;
    if (i === length) return ROWS[index]!.type;
  }
  return genericType(bytes, start, end);
}

/** The number of `TYPE123` (RFC 3597 §5), or -1. */
function genericType(bytes: Uint8Array, start: number, end: number): number {
  const digits = start + 4;
  if (end <= digits || end - digits > 5) return -1;
  if (upper(bytes[start]!) !== 0x54 || upper(bytes[start + 1]!) !== 0x59) return -1;
  if (upper(bytes[start + 2]!) !== 0x50 || upper(bytes[start + 3]!) !== 0x45) return -1;
  let type = 0;
  for (let i = digits; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    type = type * 10 + digit;
  }
  return type < TYPES ? type : -1;
}
