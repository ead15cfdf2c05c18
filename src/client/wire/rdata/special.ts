/** Types whose RDATA is not a row of fields. Each function reads all of it and returns its text. */
import { type FieldText, ipv4Text, ipv6Text, quoted } from './fields.js';
import type { RdataReader } from './reader.js';

/** Ports as a bitmap (RFC 1035 §3.4.2). */
export const wellKnownServices: FieldText = (r) => {
  const words = [ipv4Text(r.take(4)), String(r.u8())];
  const bitmap = r.rest();
  for (let port = 0; port < bitmap.length * 8; port++)
    if (((bitmap[port >> 3] ?? 0) & (0x80 >> (port & 7))) !== 0) words.push(String(port));
  return words.join(' ');
};

/** RFC 1706 §5. */
export const nsap: FieldText = (r) => {
  if (r.left === 0) r.fail('is empty');
  return `0x${r.rest().toString('hex')}`;
};

/** ATM Forum af-saa-0069: hexadecimal, or the digits of a telephone number. */
export const atmAddress: FieldText = (r) => {
  const format = r.u8();
  if (r.left === 0) r.fail('ends before the address');
  const address = r.rest();
  return format === 1 ? `+${address.toString('latin1').replace(/[^0-9]/g, '?')}` : address.toString('hex');
};

/** RFC 1876 §2 and §3. */
export const location: FieldText = (r) => {
  const version = r.u8();
  if (version !== 0) return generic(Buffer.concat([Buffer.of(version), r.rest()]));
  const precisions = [metresOf(r.u8()), metresOf(r.u8()), metresOf(r.u8())];
  const latitude = angle(r.u32(), 'N', 'S');
  const longitude = angle(r.u32(), 'E', 'W');
  const altitude = ((r.u32() - 10_000_000) / 100).toFixed(2);
  return `${latitude} ${longitude} ${altitude}m ${precisions.join(' ')}`;
};

/** Thousandths of an arc second; 2^31 is zero. */
function angle(value: number, positive: string, negative: string): string {
  const distance = Math.abs(value - 2 ** 31);
  const seconds = ((distance % 60_000) / 1000).toFixed(3);
  const minutes = Math.floor(distance / 60_000) % 60;
  return `${Math.floor(distance / 3_600_000)} ${minutes} ${seconds} ${value >= 2 ** 31 ? positive : negative}`;
}

/** Centimetres as a digit and a power of ten. */
function metresOf(octet: number): string {
  const centimetres = (octet >> 4) * 10 ** (octet & 0x0f);
  return centimetres % 100 === 0 ? `${centimetres / 100}m` : `${(centimetres / 100).toFixed(2)}m`;
}

/** The prefix length, the rest of the address, and the name of the prefix (RFC 2874 §3.1). */
export const addressChain: FieldText = (r) => {
  const prefix = r.u8();
  if (prefix > 128) r.fail(`has a prefix length of ${prefix}, above 128`);
  const words = [String(prefix)];
  if (prefix < 128) {
    const suffix = r.take(16 - (prefix >> 3));
    words.push(ipv6Text(Buffer.concat([Buffer.alloc(16 - suffix.length), suffix])));
  }
  if (prefix > 0) words.push(r.name());
  return words.join(' ');
};

/** RFC 3123 §4: trailing zero octets of an address are left out in wire format. Only IPv4 and IPv6 have a text. */
export const addressPrefixes: FieldText = (r) => {
  const items: string[] = [];
  const octetsRead: Uint8Array[] = [];
  let known = true;
  while (r.left > 0) {
    const header = r.take(4);
    const family = header.readUInt16BE();
    const [prefix = 0, lengthAndSign = 0] = header.subarray(2);
    const octets = r.take(lengthAndSign & 0x7f);
    octetsRead.push(header, octets);
    if (family !== 1 && family !== 2) {
      known = false;
      continue;
    }
    const size = family === 1 ? 4 : 16;
    if (octets.length > size) r.fail(`has an address of ${octets.length} octets in family ${family}`);
    if (prefix > size * 8) r.fail(`has a prefix length of ${prefix} in family ${family}`);
    const address = Buffer.concat([octets, Buffer.alloc(size - octets.length)]);
    const text = family === 1 ? ipv4Text(address) : ipv6Text(address);
    items.push(`${lengthAndSign & 0x80 ? '!' : ''}${family}:${text}/${prefix}`);
  }
  return known ? items.join(' ') : generic(Buffer.concat(octetsRead));
};

/** A gateway of the given kind: none, IPv4, IPv6 or a name. */
function gateway(r: RdataReader, kind: number): string {
  if (kind === 0) return '.';
  if (kind === 1) return ipv4Text(r.take(4));
  if (kind === 2) return ipv6Text(r.take(16));
  return kind === 3 ? r.name() : r.fail(`has a gateway of unknown type ${kind}`);
}

/** RFC 4025 §2. */
export const ipsecKey: FieldText = (r) => {
  const precedence = r.u8();
  const kind = r.u8();
  const algorithm = r.u8();
  return `${precedence} ${kind} ${algorithm} ${gateway(r, kind)} ${r.rest().toString('base64')}`.trimEnd();
};

/** RFC 8777 §4. The first bit of the kind is "discovery optional". */
export const amtRelay: FieldText = (r) => {
  const precedence = r.u8();
  const kind = r.u8();
  return `${precedence} ${kind >> 7} ${kind & 0x7f} ${gateway(r, kind & 0x7f)}`;
};

/** RFC 8005 §5. */
export const hostIdentity: FieldText = (r) => {
  const tagLength = r.u8();
  const algorithm = r.u8();
  const keyLength = r.u16();
  const words = [
    String(algorithm),
    r.take(tagLength).toString('hex').toUpperCase(),
    r.take(keyLength).toString('base64'),
  ];
  while (r.left > 0) words.push(r.name());
  return words.join(' ');
};

/** RFC 8659 §4.1: flags, a tag of letters and digits, and the value. */
export const certificationAuthority: FieldText = (r) => {
  const flags = r.u8();
  const tag = r.string().toString('latin1');
  if (!/^[A-Za-z0-9]+$/.test(tag)) r.fail('has a tag that is not of letters and digits');
  return `${flags} ${tag} ${quoted(r.rest())}`;
};

/** Errors of TSIG (RFC 8945 §3): number 16 is another one than the RCODE of this number. */
const TSIG_ERRORS: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  16: 'BADSIG',
  17: 'BADKEY',
  18: 'BADTIME',
  22: 'BADTRUNC',
};

/** RFC 8945 §4.2, in dig's order: each length before its octets. */
export const transactionSignature: FieldText = (r) => {
  const algorithm = r.name();
  const time = r.u16() * 2 ** 32 + r.u32();
  const fudge = r.u16();
  const macLength = r.u16();
  const mac = r.take(macLength).toString('base64');
  const originalId = r.u16();
  const error = r.u16();
  const otherLength = r.u16();
  const other = r.take(otherLength).toString('base64');
  const words = [algorithm, time, fudge, macLength, mac, originalId, TSIG_ERRORS[error] ?? error, otherLength, other];
  return words.filter((word) => word !== '').join(' ');
};

/** The form for every type (RFC 3597 §5). */
export function generic(octets: Uint8Array): string {
  return octets.length === 0 ? '\\# 0' : `\\# ${octets.length} ${Buffer.from(octets).toString('hex').toUpperCase()}`;
}
